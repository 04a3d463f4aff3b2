"""A fast Gentu-like server: every answer is made beforehand, so what is timed is the client.

Run as a process of its own: `python -m bench.fake_gentu PORT PRACTITIONERS APPOINTMENTS_EACH DAY`.
`POST /_set?share=5&delay_ms=40` changes that share of the appointments (in percent) and the latency.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import orjson

PAGE = 100
TENANT = str(uuid.UUID(int=7))
TYPE = str(uuid.UUID(int=8))
APP = str(uuid.UUID(int=9))


def name_of(kind: int, number: int) -> str:
    return str(uuid.UUID(int=(kind << 64) + number))


def appointment(practitioner: int, number: int, start_at: datetime, changed: bool) -> dict[str, object]:
    serial = practitioner * 100_000 + number
    return {
        "id": name_of(1, serial),
        "startAt": start_at.strftime("%Y-%m-%dT%H:%M:%S.000+00:00"),
        "endAt": (start_at + timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%S.000+00:00"),
        "status": "confirmed" if changed else "none",
        "minutesDuration": 10,
        "comment": None,
        "description": "Review",
        "participant": [
            {"referenceType": "patient", "referenceId": name_of(2, serial)},
            {"referenceType": "provider", "referenceId": name_of(3, practitioner)},
        ],
        "appointmentType": {"reference": TYPE},
        "extension": [],
    }


def patient(practitioner: int, number: int) -> dict[str, object]:
    serial = practitioner * 100_000 + number
    return {
        "id": name_of(2, serial),
        "name": {"family": f"Family{serial}", "given": f"Given{number} Middle", "prefix": "Ms"},
        "birthDate": "1984-02-29",
        "gender": "female",
        "contact": [
            {"system": "phone", "use": "mobile", "rank": 1, "value": "0491 570 156"},
            {"system": "email", "use": "home", "rank": 2, "value": f"p{serial}@example.com"},
        ],
        "address": None,
        "identifier": [],
        "deceased": None,
        "occupation": None,
        "indigenousStatus": None,
        "chartNumber": None,
        "emailEnabled": True,
        "smsEnabled": None,
        "extension": [{"system": "firstname", "valueString": f"Given{number}"}],
    }


def first_instant(day: str) -> datetime:
    """When a day of the made-up practice begins."""
    return datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Australia/Melbourne")).astimezone(UTC)


class World:
    """Every answer, made once per share of changed appointments."""

    def __init__(self, practitioners: int, each: int, day: datetime) -> None:
        self.practitioners, self.each, self.day = practitioners, each, day
        self.delay_s = 0.0
        self.share = 0
        self.pages: dict[tuple[int, int, int], bytes] = {}

    def set(self, share: int, delay_ms: float) -> None:
        self.share, self.delay_s = share, delay_ms / 1000
        for practitioner in range(self.practitioners):
            for page in range(-(-self.each // PAGE) or 1):
                self.page(practitioner, page)

    def page(self, practitioner: int, page: int) -> bytes:
        key = (self.share, practitioner, page)
        if key not in self.pages:
            numbers = range(page * PAGE, min((page + 1) * PAGE, self.each))
            last = numbers.stop >= self.each
            step = timedelta(seconds=max(1, 80_000 // max(self.each, 1)))
            body = {
                "appointments": [
                    appointment(practitioner, n, self.day + n * step, self.share > 0 and n % 100 < self.share)
                    for n in numbers
                ],
                "pagination": {"next": None if last else str(page + 1), "limit": PAGE},
                "patients": [patient(practitioner, n) for n in numbers],
            }
            self.pages[key] = orjson.dumps(body)
        return self.pages[key]

    def answer(self, method: str, target: str) -> bytes:
        parts = urlsplit(target)
        path, query = parts.path, parse_qs(parts.query)
        if path == "/_set":
            self.set(int(query["share"][0]), float(query["delay_ms"][0]))
            return b"{}"
        if path.endswith("/oauth2/token"):
            return orjson.dumps({"token_type": "Bearer", "access_token": "bench", "expires_in": 3599})
        if path.endswith("/appointments"):
            number = uuid.UUID(query["practitionerId"][0]).int & 0xFFFFFFFFFFFFFFFF
            return self.page(number, int(query.get("cursor", ["0"])[0]))
        if path.endswith("/practitioners"):
            return orjson.dumps([self.practitioner(n) for n in range(self.practitioners)])
        if path.endswith("/appointment-types"):
            kind = {"id": TYPE, "duration": 10, "text": "Telehealth", "colour": None, "onlineBookable": False}
            return orjson.dumps([kind])
        if path.endswith("/tenants"):
            return orjson.dumps([{"tenantId": TENANT, "tenantAccess": "enabled"}])
        return orjson.dumps(
            {
                "tenantId": TENANT,
                "tenantNumber": "GTU1",
                "timezone": "Australia/Melbourne",
                "tenantName": "Bench",
            }
        )

    @staticmethod
    def practitioner(number: int) -> dict[str, object]:
        return {
            "id": name_of(3, number),
            "name": {"family": f"Doctor{number:04}", "given": "Bench", "prefix": "Dr"},
            "contact": [],
            "active": True,
            "shownInAppointmentBook": True,
        }


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, world: World) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode("latin-1").split("\r\n")
            method, target, _ = lines[0].split(" ", 2)
            sizes = [line.split(":", 1)[1] for line in lines if line.lower().startswith("content-length:")]
            if sizes:
                await reader.readexactly(int(sizes[0]))
            if world.delay_s and not target.startswith("/_set"):
                await asyncio.sleep(world.delay_s)
            body = world.answer(method, target)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                + body
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port: int, practitioners: int, each: int, day: str) -> None:
    world = World(practitioners, each, first_instant(day))
    world.set(0, 0)
    server = await asyncio.start_server(lambda r, w: serve(r, w, world), "127.0.0.1", port)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
