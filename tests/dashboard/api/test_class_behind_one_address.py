"""A class behind one network address, as a school is: whatever one of them does, the others meet no limit for it."""

import asyncio
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from dashboard.api import classes, downloads, start
from dashboard.server import guesses, services
from dashboard.server.budget import Budget
from dashboard.server.guard import Guard
from rnncore.classes.school import School
from tests.support.api import SLOW, finished, started
from tests.support.asgi import Answer, call, send

SCHOOL, HOME = "203.0.113.7", "198.51.100.9"
TEACHER = {"X-Workspace": "T" * 22}
STUDENTS = [{"X-Workspace": f"student-{number:03}-of-this-class"} for number in range(36)]
HOSTILE, ANN, BOB, *_ = STUDENTS
SHORT = {"config": {"steps": 1, "batch_size": 1}}


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(classes, "_guesses", guesses.Guesses())
    code = call("POST", "/api/classes", headers=TEACHER, address=SCHOOL).json["code"]
    yield code
    call("DELETE", f"/api/classes/{code}", headers=TEACHER)


def join(code: str, students: list[dict[str, str]]) -> None:
    assert {call("POST", f"/api/classes/{code}/join", headers=each, address=SCHOOL).status for each in students} == {
        200
    }


def together(requests: list[tuple[str, str, object, dict[str, str]]]) -> list[Answer]:
    async def all_at_once() -> list[Answer]:
        return await asyncio.gather(*(send(*request, address=SCHOOL) for request in requests))

    return asyncio.run(all_at_once())


def test_all_students_train_at_once_although_an_address_has_a_part_of_the_queue_alone(code: str) -> None:
    alone = together([("POST", "/api/runs", {"config": SLOW}, each) for each in STUDENTS[:12]])
    assert sorted({answer.status for answer in alone}) == [201, 429]  # they are in no class yet
    for answer in alone:
        if answer.status == 201:
            call("POST", f"/api/runs/{answer.json['group']}/stop")
    join(code, STUDENTS)
    answers = together([("POST", "/api/runs", SHORT, each) for each in STUDENTS])
    assert {answer.status for answer in answers} == {201}
    for answer in answers:
        finished(answer.json["runs"][0]["id"])


def test_students_share_the_queue_fairly_and_the_teacher_goes_first(code: str) -> None:
    join(code, [HOSTILE, ANN])
    executing = [started(SLOW)["group"] for _ in range(2)]  # as many as there are workers
    runs = {name: [] for name in ("hostile", "ann", "teacher")}
    for name, who, count in (("hostile", HOSTILE, 4), ("ann", ANN, 1), ("teacher", TEACHER, 1)):
        for _ in range(count):
            answer = call("POST", "/api/runs", {"config": SLOW}, who, address=SCHOOL)
            runs[name].append(answer.json["runs"][0]["id"])
    queue = list(services.scheduler()._lifecycle.queue)
    places = {name: [queue.index(run) for run in own if run in queue] for name, own in runs.items()}
    assert places["teacher"][0] < min(places["ann"] + places["hostile"])
    assert places["ann"][0] < places["hostile"][1]
    for group in executing:
        call("POST", f"/api/runs/{group}/stop")


def test_students_who_have_filled_the_queue_leave_room_for_their_teacher(code: str) -> None:
    join(code, STUDENTS)
    statuses = [call("POST", "/api/runs", {"config": SLOW}, each, address=SCHOOL).status for each in STUDENTS * 2]
    assert set(statuses) == {201, 429}
    refused = call("POST", "/api/runs", {"config": SLOW}, ANN, address=SCHOOL)
    assert "The queue is full" in refused.error
    assert call("POST", "/api/runs", {"config": SLOW}, TEACHER, address=SCHOOL).status == 201


def test_one_student_with_many_starts_under_way_holds_up_nobody_else(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(code, [HOSTILE, ANN])
    monkeypatch.setattr(start, "_of_members", start.Budget(each=4, total=40))
    answers = together([("POST", "/api/runs", SHORT, who) for who in [HOSTILE] * 20 + [ANN]])
    assert [answer.status for answer in answers[:20]].count(429) >= 12
    assert answers[-1].status == 201
    finished(answers[-1].json["runs"][0]["id"])


def test_wrong_codes_hold_up_nobody_who_comes_to_a_class_that_is_there(code: str) -> None:
    async def lesson() -> dict[str, int]:
        await send("POST", f"/api/classes/{code}/join", headers=ANN, address=SCHOOL)
        wrong = [await send("GET", "/api/classes/CCCCCC", headers=HOSTILE, address=SCHOOL) for _ in range(70)]
        late = await send("POST", f"/api/classes/{code}/join", headers=BOB, address=SCHOOL)
        other = await send("GET", f"/api/classes/{elsewhere.code}", headers=HOSTILE, address=SCHOOL)
        home = await send("GET", "/api/classes/CCCCCC", headers=HOSTILE, address=HOME)
        return {"hostile": wrong[-1].status, "late": late.status, "elsewhere": other.status, "home": home.status}

    elsewhere, _ = services.school().open("another-teacher-of-theirs")
    try:
        assert asyncio.run(lesson()) == {"hostile": 429, "late": 200, "elsewhere": 429, "home": 404}
    finally:
        services.school().close(elsewhere.code, "another-teacher-of-theirs")


def test_pages_of_a_member_count_for_themselves(code: str) -> None:
    join(code, [ANN])
    told: list[dict[str, object]] = []
    door = asyncio.Event()

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        told.append({"type": "accepted", "by": scope["headers"]})
        await door.wait()

    async def sockets() -> None:
        guard = Guard(page)
        guard._sockets = Budget(each=1, total=10)
        open_now = []
        for cookie in ("", "", f"rnn_lab_workspace={ANN['X-Workspace']}"):
            headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
            scope = {"type": "websocket", "scheme": "ws", "headers": headers, "path": "/", "client": (SCHOOL, 1)}
            open_now.append(asyncio.create_task(guard(scope, nothing, refused)))
            await asyncio.sleep(0)
        door.set()
        await asyncio.gather(*open_now)

    async def nothing() -> Message:
        return {"type": "websocket.connect"}

    async def refused(message: Message) -> None:
        told.append(dict(message))

    asyncio.run(sockets())
    assert [message["type"] for message in told] == ["accepted", "websocket.close", "accepted"]


def test_downloads_of_one_student_leave_those_of_the_others(code: str) -> None:
    join(code, [HOSTILE, ANN])
    run = finished(started(SHORT["config"])["runs"][0]["id"])
    with downloads._budget.one_more(*[HOSTILE["X-Workspace"]] * 16), downloads._budget.one_more(*["address x"] * 16):
        path = f"/api/runs/{run}/export.csv"
        assert call("GET", path, headers=HOSTILE, address=SCHOOL).status == 429
        assert call("GET", path, headers=ANN, address=SCHOOL).status == 200


def test_a_server_full_of_classes_that_nobody_joined_has_room_for_another(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(code, [ANN])
    school: School = services.school()
    monkeypatch.setattr("rnncore.classes.school.MAX_CLASSES", 3)
    rooms = [school.open(f"nobody-{number}-opens-a-class")[0].code for number in range(5)]
    assert [school.has(f"nobody-{number}-opens-a-class") for number in range(5)] == [False] * 3 + [True] * 2
    assert school.room(code).members  # the one that is used stays
    for number in (3, 4):
        school.close(rooms[number], f"nobody-{number}-opens-a-class")
