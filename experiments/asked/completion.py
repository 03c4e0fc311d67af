"""Tab completion of `python -m experiments.NAME`, which Hydra's own function of bash does not know.

    eval "$(python -m experiments.run -sc install=bash)"

installs it for every command, in this shell. Open this file for what happens at a tab.
"""

import os
import re
import sys
from argparse import Namespace

SCRIPT = r"""_letterbandit() {
    local line=${COMP_LINE:0:COMP_POINT} word choices begun
    [[ $line =~ ^([^ ]*python[0-9.]*)\ +-m\ +(experiments\.[a-z_]+)\  ]] || return
    word=${line##* }
    begun=${word%"${word##*[=:]}"}  # bash completes what follows the last = or : alone
    local ask=("${BASH_REMATCH[1]}" -m "${BASH_REMATCH[2]}" -sc query=bash)
    choices=$(COMP_LINE=$line "${ask[@]}" 2>/dev/null)
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
    COMPREPLY=("${COMPREPLY[@]#"$begun"}")
}
complete -o nospace -o default -F _letterbandit python python3"""


def enter_completion(asked: Namespace) -> bool:
    """Get ready for what a shell asks of a command; whether nothing is left for Hydra to do.

    asked: of the command line, with -sc; it is given the --config-dir of the line to be completed
    """
    if asked.overrides == ["install=bash"]:
        print(SCRIPT)
        return True
    line = os.environ.get("COMP_LINE", "")
    if found := re.match(r"\s*\S*python[\d.]*\s+-m\s+experiments\.\w+(.*)", line):
        os.environ["COMP_LINE"] = f"experiments{found[1]}"  # Hydra takes off one word
        if named := re.search(r"\s(?:--config-dir|-cd)[\s=]+(\S+)\s", found[1]):
            asked.config_dir = named[1]
            sys.argv += ["--config-dir", named[1]]
    return False
