"""What a script's author probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.config import load
from mailnix.errors import ConfigError

SLIPS = {
    "from mailnix import *\nTopology(proxys=[])": 'Topology() has no field "proxys": did you mean proxies?',
    "from mailnix import *\nMailbox('a', qouta=1)": 'Mailbox() has no field "qouta": did you mean quota?',
    "from mailnix import *\nAlias('a', zzzz=1)": 'Alias() has no field "zzzz": it has local_part, to, discard',
    "from mailnix import *\nTopology(hostname='a')": "Topology() lacks proxies, internal, and domains",
    "from mailnix import *\nProxy('a')": "Proxy() lacks ipv4",
    "from mailnix import *\nAlias('a','b',1,4)": "Alias() was given 4 values and has 3 fields: write their names, to=…",
    "from mailnix import *\nTopolgy()": 'nothing is called "Topolgy": did you mean Topology?',
    "from mailnix import *\nmailbox('a')": 'nothing is called "mailbox": did you mean Mailbox?',
    "Topology()": '"Topology" is not imported: write above it: from mailnix import Topology',
    "from mailnix import Topolgy": 'mailnix has no "Topolgy": did you mean Topology?',
    "import mailnix\nmailnix.Proxi('a')": 'mailnix has no "Proxi": did you mean Proxy?',
    "def f(a): pass\nf(b=1)": "the script raised TypeError: f() got an unexpected keyword argument 'b'",
    "qwertz": "the script raised NameError: name 'qwertz' is not defined",
    "import nowhere": "the script raised ModuleNotFoundError: No module named 'nowhere'",
}


@pytest.mark.parametrize("script", SLIPS)
def test_a_slip_is_named_with_what_was_meant(tmp_path: Path, script: str) -> None:
    file = tmp_path / "mail.py"
    file.write_text(script)
    with pytest.raises(ConfigError) as caught:
        load(file)
    problem = caught.value.problems[0]
    assert problem.message == SLIPS[script]
    assert problem.path == f"{file}:{len(script.splitlines())}"
    assert problem.hint.startswith("the line is: ")
