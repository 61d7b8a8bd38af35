"""What is masked, what is left, and that hostile text costs nothing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskanalysis.masking import MASK, has_secret, mask

MASKED = """
Server=db;User ID=etl;Password=S3cret;Encrypt=yes       | Server=db;User ID=etl;Password=***;Encrypt=yes
Server=db;Pwd=two S3cret;Encrypt=yes                    | Server=db;Pwd=***;Encrypt=yes
load.py --password "two S3cret" --full                  | load.py --password *** --full
load.py --password 'two S3cret' --full                  | load.py --password *** --full
load.py --password "S3cret never closed                 | load.py --password ***
load.py --password=S3cret&co                            | load.py --password=***&co
load.py "--password=S3cret"                             | load.py "--password=***"
load.py --db-password S3"cret                           | load.py --db-password ***
load.ps1 -Token S3cret -Verbose                         | load.ps1 -Token *** -Verbose
backup.exe /u:backup /p:S3cret /out:E:\\Backup          | backup.exe /u:backup /p:*** /out:E:\\Backup
schtasks /create /ru TOWN\\etl /rp S3cret               | schtasks /create /ru TOWN\\etl /rp ***
sqlcmd -S db -U etl -P S3cret -i load.sql               | sqlcmd -S db -U etl -P *** -i load.sql
plink -pw S3cret host.example                           | plink -pw *** host.example
set DB_PASSWORD=S3cret                                  | set DB_PASSWORD=***
curl -u etl:S3cret https://host.example/                | curl -u etl:*** https://host.example/
git pull https://etl:S3cret@host.example/x.git          | git pull https://etl:***@host.example/x.git
https://blob.example/x?se=2027&sig=S3cret%2B&sp=r       | https://blob.example/x?se=2027&sig=***&sp=r
curl -H "Authorization: Bearer S3cret.S3cret"           | curl -H "Authorization: Bearer ***"
--api-key S3cret --access_key=S3cret                    | --api-key *** --access_key=***
{"user": "etl", "password": "S3cret"}                   | {"user": "etl", "password": ***}
ConvertTo-SecureString 'S3cret' -AsPlainText -Force     | ConvertTo-SecureString *** -AsPlainText -Force
AKIAS3CRETS3CRETS3CR                                    | ***
"""
LEFT = """
load.py --password-file D:\\OpenData\\key.txt
load.py --password %DB_PASS% --token $env:TOKEN
load.py --token --verbose
powershell -NoProfile -ExecutionPolicy Bypass -File D:\\jobs\\password_check.ps1
serve.exe -p 8080 /path:D:\\Data
compass=3 bypass: yes
robocopy D:\\tiles \\\\fileserver.town.example\\tiles /MIR
http://localhost:8080/a@b
"""
PAIRS = [tuple(part.strip() for part in line.split("  | ")) for line in MASKED.strip().splitlines()]


@pytest.mark.parametrize(("text", "expected"), PAIRS)
def test_secret_looking_value_is_masked(text: str, expected: str) -> None:
    assert mask(text) == expected
    assert has_secret(text)


@pytest.mark.parametrize("text", LEFT.strip().splitlines())
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert mask(text) == text
    assert not has_secret(text)


@pytest.mark.parametrize("text", [text for text, _ in PAIRS])
def test_nothing_of_the_secret_is_left(text: str) -> None:
    assert "cret" not in mask(text).lower()


@given(st.text(alphabet="-/ pasword=:;\"'&Ux%$*tken@", max_size=60))
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


PIECES = [
    "a",
    "--",
    "://",
    "-u a:",
    "-U a -P ",
    "--password ",
    "password=",
    ";pwd=",
    '"',
    "'",
    "'password=\"",
    "/p:",
    "eyJ.",
]


@pytest.mark.parametrize("piece", PIECES)
def test_ten_thousand_hostile_characters_take_no_time(piece: str) -> None:
    text = piece * (10_000 // len(piece))
    began = time.perf_counter()
    mask(text)
    assert time.perf_counter() - began < 1  # a bound that only a quadratic pattern misses


def test_mask_is_no_secret() -> None:
    assert mask(f"--password {MASK}") == f"--password {MASK}"
