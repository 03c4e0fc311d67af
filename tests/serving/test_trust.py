"""Who signed a bundle, bundles of every released format, and what no order of keys changes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bandit.features.features import Features
from bandit.slates.propensity import draw
from serving import bundle, export, send
from serving.manifest import FILES, FORMAT, MANIFEST, SEAL, seal
from tests.support import golden
from tests.support.bundle_cases import edit_manifest, make_association, train
from tests.support.desk_cases import list_arguments
from tests.support.text_cases import Letters, pool

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs of keys, as OpenSSL would leave them."""
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    folder = tmp_path_factory.mktemp("keys")
    kinds = {
        "ours": ed25519.Ed25519PrivateKey.generate(),
        "theirs": ed25519.Ed25519PrivateKey.generate(),
        "odd": ec.generate_private_key(ec.SECP256R1()),
    }
    for name, key in kinds.items():
        plain = pem.NoEncryption()
        private = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, plain)
        public = key.public_key().public_bytes(
            pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo
        )
        (folder / f"{name}.pem").write_bytes(private)
        (folder / f"{name}.pub").write_bytes(public)
    return folder


def test_a_signed_bundle_is_told_from_every_other(
    keys: Path, unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signed, plain, theirs = desk / "signed", desk / "plain", desk / "theirs"
    for target, more in (
        (signed, ["--sign", str(keys / "ours.pem")]),
        (plain, []),
        (theirs, ["--sign", str(keys / "theirs.pem")]),
    ):
        assert export.main([str(unit), str(target), *more]) == 0
    assert [line.split(", ")[-1] for line in capsys.readouterr().out.splitlines()] == [
        "signed)",
        "unsigned)",
        "signed)",
    ]
    said = {signed: "signed", plain: "unsigned"}
    for source, word in said.items():
        assert send.main(list_arguments(desk, source, out=source / ".." / f"{word}-out")) == 0
        assert capsys.readouterr().out.strip().split(": ")[0].endswith(f"a bundle that is {word}")
    trust = {"trust": keys / "ours.pub"}
    assert send.main(list_arguments(desk, signed, out=desk / "trusted", **trust)) == 0
    assert f"signed by {keys / 'ours.pub'}" in capsys.readouterr().out
    changed = shutil.copytree(signed, desk / "changed")
    manifest = json.loads((changed / MANIFEST).read_text())
    (changed / MANIFEST).write_text(json.dumps(manifest | {"made_from": {"by": "me"}}))
    seal(changed)
    broken = shutil.copytree(signed, desk / "broken")
    (broken / "manifest.sig").write_text("zz")
    for source, why in (
        (plain, "manifest.sig is missing: the bundle is not signed"),
        (theirs, "manifest.sig is no signature of the manifest by the key of"),
        (changed, "manifest.sig is no signature of the manifest by the key of"),
        (broken, "manifest.sig is no signature of the manifest by the key of"),
    ):
        assert send.main(list_arguments(desk, source, out=desk / "no", **trust)) == 2
        assert why in capsys.readouterr().err
    assert not (desk / "no").exists()
    assert export.main([str(unit), str(signed)]) == 0  # what is exported again has no old signature
    assert not (signed / "manifest.sig").exists()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ours.pub", "holds no private key that can be read"),
        ("odd.pem", "must be an Ed25519 private key"),
        ("none.pem", "holds no private key that can be read"),
    ],
)
def test_a_key_that_does_not_sign_leaves_the_earlier_bundle(
    name: str, why: str, keys: Path, unit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export.main([str(unit), str(tmp_path / "b")]) == 0
    before = (tmp_path / "b" / MANIFEST).read_bytes()
    assert export.main([str(unit), str(tmp_path / "b"), "--sign", str(keys / name)]) == 2
    assert why in capsys.readouterr().err
    assert (tmp_path / "b" / MANIFEST).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_every_format_that_was_released_is_read_or_refused_by_its_number() -> None:
    kept = sorted(int(path.name.removeprefix("format-")) for path in GOLDEN.glob("format-*"))
    assert kept == list(range(1, FORMAT + 1))
    for number in kept[:-1]:
        why = "one of a format before 3" if number < 3 else f"format = {number}; this version reads"
        with pytest.raises(ValueError, match=why):
            bundle.read(GOLDEN / f"format-{number}" / "bundle", Letters())
    folder = GOLDEN / f"format-{FORMAT}"
    found = bundle.read(folder / "bundle", Letters())
    articles = pool(list(golden.TITLES))
    context = found.features.make_context(
        golden.CAMPAIGN, 2, golden.MEMBERS, articles, golden.RULES
    )
    slates = draw(found.policy.plan(context), context, golden.SEED)
    told = json.loads((folder / "slates.json").read_text())
    assert slates.choice.tolist() == told["choice"]
    np.testing.assert_allclose(slates.propensity, told["propensity"], rtol=1e-9)


def test_the_order_of_keys_changes_no_slate(tmp_path: Path) -> None:
    """A manifest that a tool saved again with sorted keys, and even sealed."""
    folder = GOLDEN / f"format-{FORMAT}" / "bundle"
    sorted_ = shutil.copytree(folder, tmp_path / "b")
    manifest = json.loads((sorted_ / MANIFEST).read_text())
    (sorted_ / MANIFEST).write_text(json.dumps(manifest, sort_keys=True))
    with pytest.raises(
        ValueError, match=r"manifest\.json: SHA-256 is not that of manifest\.sha256"
    ):
        bundle.read(sorted_, Letters())
    seal(sorted_)
    articles = pool(list(golden.TITLES))
    plans = []
    for source in (folder, sorted_):
        found = bundle.read(source, Letters())
        context = found.features.make_context("c", 2, golden.MEMBERS, articles, golden.RULES)
        plans.append(found.policy.plan(context).scores)
    assert plans[0].tobytes() == plans[1].tobytes()


def test_the_parts_of_two_bundles_cannot_be_mixed(tmp_path: Path) -> None:
    """Even where the digests are forged, and whatever the policy: its arrays name their reader."""
    folder, other = tmp_path / "b", tmp_path / "other"
    train("popular").write(folder)
    mine = train("popular")
    articles = make_association().features
    bundle.write(other, mine.policy, mine.target, mine.parameters, _rename(articles), {})
    ours, theirs = (json.loads((path / MANIFEST).read_text()) for path in (folder, other))
    for name in ("policy.safetensors", "features.safetensors"):
        mixed = shutil.copytree(folder, tmp_path / name)
        shutil.copy(other / name, mixed / name)
        edit_manifest(mixed, files=ours["files"] | {name: theirs["files"][name]})
        with pytest.raises(ValueError, match=rf"{name} was made with reader '\w+'; the manifest"):
            bundle.read(mixed)


def _rename(features: Features) -> Features:
    """The same features with another name of a topic, and so of another version."""
    return replace(features, names=("else", *features.names[1:]))


def test_every_byte_of_a_bundle_is_under_a_digest(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    for name in FILES:
        for _ in range(8):
            folder = shutil.copytree(
                GOLDEN / f"format-{FORMAT}" / "bundle", tmp_path / "b", dirs_exist_ok=True
            )
            data = bytearray((folder / name).read_bytes())
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
            (folder / name).write_bytes(data)
            with pytest.raises(ValueError, match=rf"{MANIFEST}|{SEAL}|{name}"):
                bundle.read(folder, Letters())
