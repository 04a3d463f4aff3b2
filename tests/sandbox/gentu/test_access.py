"""Gentu's token, pairing and practices, as its public specification and the notes of one real session have them."""

from __future__ import annotations

import re

import pytest
import requests

from pmsapp.sandbox.server import SandboxServer
from tests.sandbox.conftest import APP_ID, GentuClient, StandingClock

FORM = {"grant_type": "client_credentials"}
PAIR = ("training-client-id", "training-client-secret")


def ask_token(server: SandboxServer, **how: object) -> requests.Response:
    return requests.post(f"{server.gentu_base}/oauth2/token", timeout=5, **how)  # type: ignore[arg-type]


def test_a_token_is_given_for_basic_credentials_and_a_form(server: SandboxServer, now: StandingClock) -> None:
    answer = ask_token(server, auth=PAIR, data=FORM).json()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3599
    assert answer["refresh_token_expires_in"] == 0
    assert answer["issued_at"] == str(int(now.at.timestamp() * 1000))
    assert answer["application_name"] == APP_ID
    assert answer["status"] == "approved"
    assert "developer.email" in answer
    assert not {"developer_email", "refresh_token"} & set(answer)


def test_a_wrong_pair_is_refused(server: SandboxServer) -> None:
    for pair in (("training-client-id", "wrong"), ("wrong", "training-client-secret"), ("", "")):
        answer = ask_token(server, auth=pair, data=FORM)
        assert answer.status_code == 401
        assert answer.json() == {"ErrorCode": "invalid_client", "Error": "ClientId is Invalid"}


def test_credentials_in_the_body_are_refused(server: SandboxServer) -> None:
    body = {**FORM, "client_id": PAIR[0], "client_secret": PAIR[1]}
    assert ask_token(server, data=body).status_code == 401


def test_json_instead_of_a_form_is_refused(server: SandboxServer) -> None:
    assert ask_token(server, auth=PAIR, json=FORM).status_code == 400


def test_another_grant_is_refused(server: SandboxServer) -> None:
    assert ask_token(server, auth=PAIR, data={"grant_type": "password"}).status_code == 400


def test_the_token_call_without_its_version_does_not_exist(server: SandboxServer) -> None:
    answer = requests.post(f"{server.url}/gentu/oauth2/token", auth=PAIR, data=FORM, timeout=5)
    assert answer.status_code == 404


def test_no_token_and_an_unknown_token_are_refused_with_the_gateways_fault(server: SandboxServer) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
        answer = requests.get(f"{server.gentu_base}/tenants", headers=headers, timeout=5)
        assert answer.status_code == 401
        assert set(answer.json()["fault"]) == {"faultstring", "detail"}
        assert "errorcode" in answer.json()["fault"]["detail"]


def test_a_token_expires_after_an_hour_less_a_second(gentu: GentuClient, now: StandingClock) -> None:
    now.advance(seconds=3598)
    assert gentu.get("/tenants").status_code == 200
    now.advance(seconds=1)
    answer = gentu.get("/tenants")
    assert answer.status_code == 401
    assert answer.json()["fault"]["detail"]["errorcode"].endswith("access_token_expired")


def test_several_tokens_are_good_at_once(gentu: GentuClient) -> None:
    first = dict(gentu.headers)
    gentu.token()
    assert first != gentu.headers
    for headers in (first, gentu.headers):
        assert requests.get(f"{gentu.base}/tenants", headers=headers, timeout=5).status_code == 200


def test_pairing_gives_the_tenant_and_lists_it_as_enabled(server: SandboxServer) -> None:
    client = GentuClient(server)
    client.token()
    assert client.get("/tenants").json() == []
    answer = client.pair("demo1234")
    assert answer.status_code == 200
    assert answer.json()["message"].startswith("Successfully consumed pairing code")
    tenant_id = answer.json()["tenantId"]
    assert client.get("/tenants").json() == [{"tenantId": tenant_id, "tenantAccess": "enabled"}]


def test_a_used_pairing_code_is_refused(gentu: GentuClient) -> None:
    for code in ("demo1234", "used0000", "late0000"):
        answer = gentu.pair(code)
        assert answer.status_code == 409
        assert set(answer.json()) == {"message"}


def test_an_unknown_pairing_code_is_not_found(gentu: GentuClient) -> None:
    answer = gentu.pair("nosuchcd")
    assert answer.status_code == 404
    assert answer.json() == {"message": "Unable to find pairing code resource with id: nosuchcd"}


def test_a_malformed_app_id_is_a_validation_error_and_a_wrong_one_not_found(gentu: GentuClient) -> None:
    answer = gentu.pair("demo2345", app_id="my-app")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Validation error"
    assert answer.json()["details"][0]["path"] == ["appId"]
    assert gentu.pair("demo2345", app_id="00000000-0000-4000-8000-000000000000").status_code == 404
    assert gentu.pair("demo2345").status_code == 200


def test_pairing_is_a_put_with_a_token(server: SandboxServer, gentu: GentuClient) -> None:
    url = f"{gentu.base}/apps/{APP_ID}/pairing/demo2345"
    assert requests.put(url, timeout=5).status_code == 401
    assert requests.post(url, headers=gentu.headers, timeout=5).status_code == 405


def test_made_codes_work_once(server: SandboxServer, gentu: GentuClient) -> None:
    made = requests.post(f"{server.url}/_sandbox/pairing-codes", json={"clinic": 1}, timeout=5).json()
    assert re.fullmatch(r"\S{8}", made["pairing_code"])
    assert gentu.pair(made["pairing_code"]).json()["tenantId"] != gentu.tenant_id
    assert gentu.pair(made["pairing_code"]).status_code == 409
    assert len(gentu.get("/tenants").json()) == 2


def test_one_token_serves_every_paired_tenant_each_with_its_own_clinic(gentu: GentuClient) -> None:
    west = gentu.pair("perth123").json()["tenantId"]
    about = gentu.get(f"/tenants/{west}").json()
    assert about["timezone"] == "Australia/Perth"
    here = {person["id"] for person in gentu.tenant("/practitioners").json()}
    there = {person["id"] for person in gentu.get(f"/tenants/{west}/practitioners").json()}
    assert not here & there


def test_a_tenant_tells_its_zone_number_and_name_or_nothing(gentu: GentuClient) -> None:
    assert gentu.tenant("").json() == {
        "tenantId": gentu.tenant_id,
        "tenantNumber": "GTU0001",
        "timezone": "Australia/Melbourne",
        "tenantName": "Banksia Street Training Clinic",
    }
    quiet = gentu.pair("quiet123").json()["tenantId"]
    about = gentu.get(f"/tenants/{quiet}").json()
    assert [about[key] for key in ("tenantNumber", "timezone", "tenantName")] == [None, None, None]


def test_status_says_hello(gentu: GentuClient) -> None:
    assert gentu.tenant("/status").json() == {"message": "Hello world!"}


def test_a_tenant_can_be_disabled_enabled_and_withdrawn(server: SandboxServer, gentu: GentuClient) -> None:
    def switch(access: str) -> None:
        url = f"{server.url}/_sandbox/vendors/gentu/tenant"
        sent = {"tenant_id": gentu.tenant_id, "access": access}
        assert requests.post(url, json=sent, timeout=5).status_code == 200

    switch("disabled")
    assert gentu.get("/tenants").json()[0]["tenantAccess"] == "disabled"
    assert gentu.tenant("/practitioners").status_code == 403
    switch("enabled")
    assert gentu.tenant("/practitioners").status_code == 200
    switch("withdrawn")
    assert gentu.get("/tenants").json() == []
    assert gentu.tenant("/practitioners").status_code == 404


@pytest.mark.parametrize(
    "path", ["", "/status", "/practitioners", "/users", "/appointment-types", "/patients/x"]
)
def test_a_practice_that_is_not_paired_cannot_be_read(
    gentu: GentuClient, server: SandboxServer, path: str
) -> None:
    outsider = server.sandbox.clinics[1].id_of("gentu", "practice", "")
    assert gentu.get(f"/tenants/{outsider}{path}").status_code == 404
    assert gentu.get(f"/tenants/not-a-uuid{path}").status_code == 400


def test_practitioners_are_a_bare_list_of_list_users(gentu: GentuClient) -> None:
    people = gentu.tenant("/practitioners").json()
    assert isinstance(people, list)
    for person in people:
        assert set(person) == {"id", "name", "contact", "active", "shownInAppointmentBook"}
        assert set(person["name"]) == {"family", "given", "prefix"}
    assert any(not person["active"] for person in people)
    assert any(person["active"] and not person["shownInAppointmentBook"] for person in people)
    assert any(person["name"]["given"] is None for person in people)


def test_a_single_practitioner_is_a_user_without_active_and_shown(gentu: GentuClient) -> None:
    person = gentu.tenant(f"/practitioners/{gentu.practitioner_id('wojcik')}").json()
    assert set(person) == {"id", "address", "contact", "identifier", "name"}
    sites = gentu.tenant(f"/practitioners/{gentu.practitioner_id('wojcik')}/sites").json()
    assert [set(site) for site in sites["data"]] == [{"id", "name"}] * 2
    assert gentu.tenant("/practitioners/00000000-0000-4000-8000-000000000000").status_code == 404
    assert gentu.tenant("/practitioners/7").status_code == 400


def test_users_hold_the_administrator_and_practitioners_do_not(gentu: GentuClient) -> None:
    users = {person["id"] for person in gentu.tenant("/users").json()}
    people = {person["id"] for person in gentu.tenant("/practitioners").json()}
    assert people < users
    assert gentu.practitioner_id("frontdesk") in users - people


def test_appointment_types_are_a_bare_list_and_called_text(gentu: GentuClient) -> None:
    kinds = gentu.tenant("/appointment-types").json()
    assert len(kinds) > 20
    for kind in kinds:
        assert set(kind) == {"id", "duration", "text", "colour", "onlineBookable"}
    assert any(kind["duration"] is None for kind in kinds)
    assert any(kind["colour"] is None for kind in kinds)
