"""Judge a policy from a log: value, difference to what was sent, and whether to believe it.

python -m experiments.evaluate log=FOLDER bundle=PATH
python -m experiments.evaluate log=FOLDER policy=NAME

Works on any archive. A bundle is judged as it is; a policy learns the log, and is judged on each
issue of the second half before it learns from it. With rules=..., it is judged under other rules:
what a pin, a cap or a section costs. Leaves a page with pictures.
"""

from pathlib import Path

import pyarrow as pa
from hydra.core.hydra_config import HydraConfig
from rich.console import Console
from rich.progress import Progress

from bandit.core import check
from bandit.core.files import write_json, write_table
from bandit.core.threads import use_one_thread
from bandit.features.features import Features
from bandit.features.text import Encoder
from bandit.log import archive
from bandit.ope.rewards.slates import find_fit
from bandit.policy import Informed, Policy
from experiments.asked.command import command
from experiments.evaluate.judge import Judgement, judge
from experiments.evaluate.page import list_findings, list_reasons, make_table, write
from experiments.evaluate.values import list_values
from experiments.runner.configs import Settings, check_whole, make, make_encoder
from experiments.runner.digest import describe_origin
from experiments.runner.folders import choose_folder
from serving import bundle
from simulators.replay.rounds import fit_features


def read_policy(
    config: Settings, name: str | None, log: Path, encoder: Encoder | None
) -> tuple[Policy, Features, int | None]:
    """The policy to be judged, started, with its features, and how many issues it has learned.

    That is None for a bundle that does not say so, and 0 for a policy that is to learn the log.

    encoder: that reads the log; None: the usual one

    Raises ValueError unless exactly one of bundle and policy is given, and for what is neither.
    """
    if (config["bundle"] is None) == (name is None):
        raise ValueError("name what is to be judged: either bundle=PATH or policy=NAME")
    if config["bundle"] is not None:
        read = bundle.read(config["bundle"], encoder)
        issues = read.manifest.made_from.get("issues")
        return read.policy, read.features, issues if check.is_whole(issues) else None
    policy: Policy = make(config["policy"])
    if isinstance(policy, Informed):
        raise ValueError(
            f"policy = {name}: it knows the simulator's truth, and there is none in a log"
        )
    features = fit_features(log, encoder)
    policy.start(features)
    return policy, features, 0


def choose_first(issues: list[int], asked: int | None, learned: int | None, own: bool) -> int:
    """The first issue to judge by.

    issues: of the log
    asked: what the settings say; None: nothing
    learned: how many issues a bundle has learned, as for `read_policy`
    own: a policy that is to learn the log: it is judged by the second half

    Raises ValueError where nothing is left that a bundle has not learned from, unless it was asked.
    """
    if asked is not None:
        check_whole("judge_from", asked, 1)
        return asked
    if own:
        return issues[len(issues) // 2]
    if learned is None:
        return issues[0]
    if learned >= issues[-1]:
        raise ValueError(
            f"the bundle has learned {learned} issues, and the log ends with issue {issues[-1]}: "
            "clicks that it has learned from would flatter it. Say judge_from=N if it has not "
            "learned from the log's issues from N on"
        )
    return max(learned + 1, issues[0])


@use_one_thread()
def run(config: Settings, name: str | None, console: Console) -> tuple[Path, Judgement]:
    """Judge, and write evaluate.html, estimates.parquet and run.json; returns the folder.

    config: as in configs/evaluate.yaml
    name: of the policy's config; None: a bundle is judged

    Raises ValueError for settings that cannot be, and an archive that is damaged.
    """
    for what, least in (("draws", 1), ("seed", 0)):
        check_whole(what, config[what], least)
    check.between("share", config["share"], 0.001, 1.0)
    for what in ("bundle", "sent_by"):
        if not isinstance(config[what], str | None):
            raise ValueError(f"{what} = {config[what]!r}; must be the path of a folder")
    if config["sender_from"] is not None:
        check_whole("sender_from", config["sender_from"], 1)
        if config["sent_by"] is None:
            raise ValueError(
                "sender_from is of the bundle that sent the log; name it, sent_by=PATH"
            )
    fit = find_fit(config["model"])
    if not isinstance(config["rules"], dict | None):
        raise ValueError(f"rules = {config['rules']!r}; must be a mapping such as {{no_repeat: 2}}")
    if not isinstance(config["log"], str):
        raise ValueError("log is not given; name the folder of an archive, log=FOLDER")
    log = Path(config["log"])
    issues = list(archive.read_rules(log))
    encoder = make_encoder(config.get("encoder"))
    policy, features, learned = read_policy(config, name, log, encoder)
    first = choose_first(issues, config["judge_from"], learned, name is not None)
    sender = bundle.read(config["sent_by"], encoder).policy if config["sent_by"] else None
    settings = {key: config[key] for key in config if key != "name"}
    made = choose_folder(config["name"], f"evaluate-{name or 'bundle'}-{log.name}", settings)
    if made.exists() and any(made.iterdir()) and not (made / "estimates.parquet").exists():
        raise ValueError(f"{made} holds something else than an evaluation; choose another name")
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("reading issues", total=len(issues))
        found = judge(
            policy,
            archive.read(log, features),
            first,
            name is not None,
            sender,
            config["seed"],
            config["draws"],
            config["share"],
            lambda: progress.advance(task),
            config["rules"],
            config["sender_from"],
            fit,
        )
    write_table(made / "estimates.parquet", pa.Table.from_pylist(list_values(found)))
    title = name or f"the bundle {'/'.join(Path(config['bundle']).parts[-2:])}"
    write(made / "evaluate.html", found, title, config)
    told = {"verdict": found.verdict, "findings": list_findings(found)}
    origin = describe_origin(["experiments.evaluate.__main__"], [config["policy"]] if name else [])
    write_json(made / "run.json", {"config": config} | told | origin)
    return made, found


@command("evaluate")
def main(config: Settings) -> None:
    console = Console()
    made, found = run(config, HydraConfig.get().runtime.choices.get("policy"), console)
    console.print(found.verdict, style="bold", highlight=False)
    for words in list_findings(found):
        console.print(words, highlight=False)
    console.print(make_table(found))
    for words in list_reasons(found):
        console.print(words, markup=False, highlight=False, soft_wrap=True)
    print(f"page: {made / 'evaluate.html'}")


if __name__ == "__main__":
    main()
