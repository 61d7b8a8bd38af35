"""Service accounts: found by SID and by their names in many languages, and nothing else is taken for one."""

import pytest

from taskanalysis.definition.accounts import is_localised, service_sid
from taskanalysis.definition.model import Principal
from taskanalysis.definition.reader import read_task

SYSTEM, LOCAL, NETWORK = "SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE"


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("S-1-5-18", SYSTEM),
        ("s-1-5-19", LOCAL),
        ("S-1-5-20", NETWORK),
        ("LocalSystem", SYSTEM),
        (r"nt authority\networkservice", NETWORK),
        (r"NT-AUTORITÄT\SYSTEM", SYSTEM),
        ("NT-AUTORITA\u0308T\\SYSTEM", SYSTEM),
        (r"NT-Autorität\Lokaler Dienst", LOCAL),
        ("Netzwerkdienst", NETWORK),
        (r"AUTORITE NT\Système", SYSTEM),
        (r"AUTORITE NT\SERVICE RÉSEAU", NETWORK),
        (r"NT AUTHORITY\SERVICIO LOC", LOCAL),
        (r"NT AUTHORITY\SERVIZIO DI RETE", NETWORK),
        (r"NT AUTHORITY\СИСТЕМА", SYSTEM),
        (r"AUTORIDADE NT\SISTEMA", SYSTEM),
        (r"NT instans\SYSTEM", SYSTEM),
        (r"ZARZĄDZANIE NT\USŁUGA SIECIOWA", NETWORK),
    ],
)
def test_service_account_is_found_by_its_name_in_any_language(name: str, service: str) -> None:
    principal = Principal(user_id=name, logon_type="Password")
    assert (principal.service, principal.account, principal.needs_password) == (service, service, False)


@pytest.mark.parametrize(
    "name", ["", "\\", r"TOWN\SYSTEM", r"TOWN\Netzwerkdienst", "NT-AUTORITÄT", "NT AUTHORITY\\", "S-1-5", r"SYSTEM\x"]
)
def test_other_name_is_no_service_account(name: str) -> None:
    assert service_sid(name) == ""
    assert not is_localised(name)


def test_english_names_and_sids_are_known_to_every_windows() -> None:
    localised = [r"NT-AUTORITÄT\SYSTEM", "Système", r"NT AUTHORITY\SERVICIO LOC"]
    assert [is_localised(name) for name in localised] == [True, True, True]
    plain = ["SYSTEM", r"NT AUTHORITY\LOCAL SERVICE", "LocalSystem", "S-1-5-18"]
    assert [is_localised(name) for name in plain] == [False] * 4


def test_task_of_a_german_windows_runs_as_the_service() -> None:
    text = r"<Task><Principals><Principal><UserId>NT-AUTORITÄT\SYSTEM</UserId></Principal></Principals></Task>"
    assert read_task(text.encode()).principal.account == SYSTEM
