"""A log of choices, of any loader's, as an archive, for train, evaluate and reading.

python -m experiments.archive --config-dir configs simulator=my_log out=logs/mine
"""

from pathlib import Path

from bandit.log import archive
from experiments.asked.command import command
from experiments.runner.configs import Settings, check_whole
from experiments.runner.worlds import make_simulator
from simulators.replay.replay import Replay
from simulators.replay.rounds import list_rounds


def write(config: Settings) -> Path:
    """Write the archive; returns its folder.

    config: as in configs/archive.yaml

    Raises ValueError for what is no log of choices, and a folder that is there already.
    """
    for what, least in (("issues", 1), ("seed", 0)):
        check_whole(what, config[what], least)
    if not isinstance(config["out"], str):
        raise ValueError("out is not given; name the folder to be made, out=FOLDER")
    folder = Path(config["out"])
    if folder.exists():
        raise ValueError(f"{folder} is there already; choose another")
    replay = make_simulator(config["simulator"] | {"issues": config["issues"]}, config["seed"])
    if not isinstance(replay, Replay):
        raise ValueError(f"simulator is {replay!r}; must replay a log of choices")
    archive.write(folder, list_rounds(replay))
    print(replay.log.account)
    return folder


@command("archive")
def main(config: Settings) -> None:
    print(f"archive: {write(config)}")


if __name__ == "__main__":
    main()
