"""A large bundle is mapped, and each piece of it checked before a number of it is used."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import serving
from serving import bundle
from serving.checks import pieces
from serving.manifest import PIECES, POLICY
from serving.sending.sender import Sender
from tests.support.bundle_cases import SEED, Trained, train


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bundle that counts as large, in pieces that are small."""
    folder = tmp_path_factory.mktemp("large") / "b"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "LARGE", 0)
        patch.setattr(pieces, "PIECE", 1 << 10)
        train("profile").write(folder)
        yield folder


def compose(sender: Sender, trained: Trained, rows: list[int]) -> bytes:
    context = trained.context
    issue = sender.prepare(context.articles, context.rules, context.campaign, SEED)
    return b"".join(
        np.ascontiguousarray(table).tobytes()
        for table in vars(issue.compose(context.members.take(rows)).slates).values()
    )


def test_rows_that_are_mapped_give_the_slates_of_rows_in_memory(large: Path) -> None:
    trained = train("profile")
    mapped = serving.load(large)
    assert isinstance(mapped.bundle.policy.profiles.precision, pieces.Rows)
    in_memory = Sender(bundle.Bundle(trained.policy, trained.association.features, None, ""))
    for rows in ([3], list(range(40)), [39, 0, 7]):
        assert compose(mapped, trained, rows) == compose(in_memory, trained, rows)


def test_any_flipped_bit_is_refused_before_it_changes_a_slate(large: Path, tmp_path: Path) -> None:
    trained, rng = train("profile"), np.random.default_rng(5)
    everybody = list(range(len(trained.context.members)))
    right, refused = compose(serving.load(large), trained, everybody), 0
    for number in range(60):
        folder = tmp_path / f"{number}"
        shutil.copytree(large, folder)
        path = folder / (POLICY if number % 6 else PIECES)
        data = bytearray(path.read_bytes())
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        path.write_bytes(data)
        try:
            assert compose(serving.load(folder), trained, everybody) == right
        except ValueError as error:
            refused += path.name in str(error)
        shutil.rmtree(folder)
    assert refused > 40  # the rest lies in rows of members who have left


def test_a_change_elsewhere_is_refused_when_it_is_read(large: Path, tmp_path: Path) -> None:
    """What lies in one member's rows stops nobody else, and is in no array that is read whole."""
    folder, rows = tmp_path / "b", train("profile").policy.profiles.precision
    shutil.copytree(large, folder)
    data = bytearray((folder / POLICY).read_bytes())
    last = bytes(data).index(rows.tobytes()) + rows.nbytes - 1
    data[last] ^= 1
    (folder / POLICY).write_bytes(data)
    mapped = serving.load(folder).bundle.policy.profiles.precision
    assert mapped[np.array([0])].tobytes() == rows[:1].tobytes()
    with pytest.raises(ValueError, match=r"policy.safetensors: bytes .* are not those that were"):
        mapped[np.array([0, len(rows) - 1])]
    with pytest.raises(ValueError, match=r"policy.safetensors: bytes .* are not those that were"):
        np.asarray(mapped)


def test_pieces_that_are_missing_or_too_many_are_refused(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "b"
    shutil.copytree(large, folder)
    (folder / PIECES).unlink()
    with pytest.raises(ValueError, match=r"policy\.pieces is missing"):
        serving.load(folder)
    shutil.rmtree(folder)
    monkeypatch.setattr(pieces, "LARGE", 1 << 26)
    train("profile").write(folder)
    (folder / PIECES).write_bytes((large / PIECES).read_bytes())
    with pytest.raises(ValueError, match=r"policy\.pieces is not part of a bundle"):
        serving.load(folder)


def test_a_mapped_policy_learns_and_is_copied_as_any(large: Path, tmp_path: Path) -> None:
    trained = train("profile")
    mapped = serving.load(large).bundle.policy
    mapped.follow({5: trained.context.member_ids.tolist()[0]})  # who was never met
    for name, array in trained.policy.state().items():
        assert np.asarray(mapped.state()[name]).tobytes() == array.tobytes(), name
    copied = bundle.copy(large, tmp_path / "copy")
    assert (tmp_path / "copy" / PIECES).read_bytes() == (large / PIECES).read_bytes()
    assert copied.digest == serving.load(large).bundle.digest


def test_implausible_numbers_are_found_with_their_piece(large: Path) -> None:
    def refuse(where: str, numbers: np.ndarray) -> None:
        raise ValueError(f"{where}: {len(numbers)} numbers")

    mapped = pieces.Mapped(large / POLICY, (large / PIECES).read_bytes(), refuse)
    with pytest.raises(ValueError, match=r"profiles.cross: \d+ numbers"):
        mapped.tables["profiles.cross"][np.array([0])]


def test_a_row_that_is_wider_than_pieces_is_checked_within(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at its two ends alone."""
    monkeypatch.setattr(pieces, "PIECE", 1 << 10)
    table, path = np.arange(2 * 700.0).reshape(2, 700), tmp_path / POLICY
    save_file({"wide": table}, path)
    digests, data = pieces.digest_pieces(path), bytearray(path.read_bytes())
    data[data.index(table[1, 350].tobytes())] ^= 1
    path.write_bytes(data)
    wide = pieces.Mapped(path, digests, lambda name, numbers: None).tables["wide"]
    assert wide[np.array([0])].tobytes() == table[:1].tobytes()
    with pytest.raises(ValueError, match="are not those that were written"):
        wide[np.array([1])]
