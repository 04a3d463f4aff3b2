import os, re, pytest
from tests.browser.conftest import Visit
from tests.support.synced_clinic import LOGINS, practice_id
from tests.support.connecting import gentu_access
from pmsapp.adapters.registry import get_info
pytestmark = pytest.mark.browser
OUT="/tmp/wz/shots"
@pytest.mark.parametrize("vendor", os.environ.get("V","gentu medirecords halaxy").split())
def test_shots(open_visit, sandbox, app, vendor):
    w=int(os.environ.get("W","1440")); scheme=os.environ.get("S","light")
    visit=open_visit(viewport={"width":w,"height":900}, color_scheme=scheme)
    page=visit.sign_in(); n=[0]
    def shot(name):
        n[0]+=1; page.screenshot(path=f"{OUT}/{vendor}-{w}-{scheme}-{n[0]:02d}-{name}.png", full_page=True); print(name, page.url, visit.overflow())
    shot("home")
    visit.go("/integrations/new"); shot("choose")
    page.locator(f"input[value={vendor}]").check(); page.get_by_role("button",name="Continue").click()
    shot("connect")
    info=get_info(vendor); login=LOGINS[vendor]["credentials"]
    for f in info.credential_fields:
        if f.goes_to=="credentials": page.locator(f"#{f.name}").fill(login[f.name] if not f.secret else "wrong")
        elif f.required: page.locator(f"#{f.name}").fill(practice_id(vendor,sandbox))
    if info.capabilities.pairing: page.locator("#pairing_code").fill(gentu_access(sandbox).make_code().upper())
    page.get_by_role("button",name="Connect",exact=True).click(); shot("refused")
    sec=next(f.name for f in info.credential_fields if f.secret)
    page.locator(f"#{sec}").fill(login[sec]); page.get_by_role("button",name="Connect",exact=True).click(); shot("found")
    page.get_by_role("button",name=re.compile("Yes, this")).click(); shot("people")
    page.get_by_role("button",name="Continue").click(); shot("kinds")
    page.get_by_role("button",name="Continue").click(); page.wait_for_selector("text=Today,"); shot("start")
    page.get_by_role("button",name=re.compile("^Start")).click(); page.wait_for_selector("text=Open today"); shot("started")
    page.get_by_role("link",name=re.compile("Open today")).click(); shot("sheet")
    visit.assert_clean()
