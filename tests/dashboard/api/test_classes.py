"""A class over HTTP: its code, who may do what in it, what it shows, asks and hands out, and what it refuses."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.api import classes
from dashboard.server import guesses, services
from rnncore.classes.codes import LETTERS
from rnncore.runs.store.keys import watch_key
from tests.support.api import decoded, finished
from tests.support.asgi import Answer, call, send
from tests.support.waiting import wait

NOBODY = "N" * 22
TEACHER, ANN, BOB = ({"X-Workspace": letter * 22} for letter in "TAB")
POLL = {"question": "What does the gradient do?", "choices": ["vanish", "explode"], "right": 0}


@pytest.fixture(autouse=True)
def nobody_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classes, "_guesses", guesses.Guesses())


@pytest.fixture
def at() -> Iterator[str]:
    """The address of a class with Ann and Bob in it."""
    code = call("POST", "/api/classes", headers=TEACHER).json["code"]
    yield joined(code)
    call("DELETE", f"/api/classes/{code}", headers=TEACHER)


def joined(code: str) -> str:
    for student in (ANN, BOB):
        assert call("POST", f"/api/classes/{code}/join", headers=student).status == 200
    return f"/api/classes/{code}"


def state(at: str, who: dict[str, str]) -> dict[str, Any]:
    return call("GET", at, headers=who).json | {"version": None}  # each call here is a server of its own


def trained(who: dict[str, str], **config: Any) -> str:
    body = {"config": {"steps": 30, "batch_size": 1} | config}
    return finished(call("POST", "/api/runs", body, headers=who).json["runs"][0]["id"])


def test_a_code_has_six_letters_without_look_alikes_and_is_read_however_it_is_typed(at: str) -> None:
    code = at.rsplit("/")[-1]
    assert len(code) == 6
    assert not set(LETTERS) & set("AEIOULQSZBG0123456789")
    typed = f"{code[:3].lower()}%20-{code[3:].lower()}"
    assert call("GET", f"/api/classes/{typed.replace('%20', ' ')}", headers=ANN).json["code"] == code


def test_a_teacher_has_one_class_at_a_time(at: str) -> None:
    again = call("POST", "/api/classes", headers=TEACHER)
    assert (again.status, again.json["code"]) == (200, at.rsplit("/")[-1])


def test_a_script_without_a_workspace_is_given_one() -> None:
    opened = call("POST", "/api/classes").json
    member = call("POST", f"/api/classes/{opened['code']}/join").json
    assert opened["workspace"] != member["workspace"]
    assert call("GET", f"/api/classes/{opened['code']}", headers={"X-Workspace": opened["workspace"]}).json["teacher"]
    call("DELETE", f"/api/classes/{opened['code']}", headers={"X-Workspace": opened["workspace"]})


def test_what_the_teacher_shows_is_what_students_see_with_watch_keys_alone(at: str) -> None:
    run = trained(TEACHER)
    shown = {"runs": run, "step": 12, "figure": "profile", "lesson": None}
    assert call("PUT", f"{at}/shown", shown, headers=TEACHER).status == 200
    seen = call("GET", at, headers=ANN)
    assert seen.json["shown"] == shown | {"runs": watch_key(run)}
    assert run.encode() not in seen.body
    assert call("PUT", f"{at}/shown", None, headers=TEACHER).status == 200
    assert state(at, ANN)["shown"] is None


TEACHERS = [("PUT", "shown", {"step": 1}), ("PUT", "names", {"names": True}), ("PUT", "poll", POLL),
            ("POST", "poll/close", None), ("POST", "poll/right", None), ("PUT", "handout", {"config": {}}),
            ("DELETE", "", None)]  # fmt: skip


@pytest.mark.parametrize(("method", "name", "body"), TEACHERS, ids=[f"{each[0]} {each[1]}" for each in TEACHERS])
@pytest.mark.parametrize("who", [ANN, {"X-Workspace": NOBODY}, {}], ids=["a student", "a stranger", "nobody"])
def test_only_the_teacher_may_teach(at: str, method: str, name: str, body: Any, who: dict[str, str]) -> None:
    before = state(at, TEACHER)
    answer = call(method, f"{at}/{name}".rstrip("/"), body, headers=who)
    assert (answer.status, answer.error) == (403, "Only the teacher of this class may do that.")
    assert state(at, TEACHER) == before


@pytest.mark.parametrize("who", [TEACHER, {"X-Workspace": NOBODY}], ids=["the teacher", "a stranger"])
def test_only_students_answer_and_fill_the_wall(at: str, who: dict[str, str]) -> None:
    call("PUT", f"{at}/poll", POLL, headers=TEACHER)
    assert call("POST", f"{at}/poll/answer", {"choice": 0}, headers=who).status == 403
    assert call("POST", f"{at}/runs", {"run": NOBODY}, headers=who).status == 403


def test_a_poll_shows_nothing_until_it_is_closed_and_nobody_by_name_afterwards(at: str) -> None:
    call("PUT", f"{at}/poll", POLL, headers=TEACHER)
    for student, choice in ((ANN, 1), (ANN, 0), (BOB, 1)):
        assert call("POST", f"{at}/poll/answer", {"choice": choice}, headers=student).status == 200
    asked = {"number": 1, "question": POLL["question"], "choices": POLL["choices"], "open": True}
    hidden = {"counts": None, "right": None, "right_percent": None}
    assert state(at, ANN)["poll"] == asked | {"answers": None} | hidden
    assert state(at, TEACHER)["poll"] == asked | {"answers": 2} | hidden
    assert call("POST", f"{at}/poll/right", headers=TEACHER).status == 409
    call("POST", f"{at}/poll/close", headers=TEACHER)
    closed = asked | {"open": False, "answers": 2, "counts": [1, 1]}
    assert state(at, ANN)["poll"] == closed | {"right": None, "right_percent": None}
    assert call("POST", f"{at}/poll/answer", {"choice": 0}, headers=ANN).status == 409
    call("POST", f"{at}/poll/right", headers=TEACHER)
    assert state(at, BOB)["poll"] == closed | {"right": 0, "right_percent": 50.0}


def test_a_hand_out_is_a_whole_config_and_its_wall_shows_the_newest_run_of_each_student(at: str) -> None:
    given = {"config": {"steps": 30, "batch_size": 1}, "vary": "optimizer.learning_rate", "task": "choose a rate"}
    assert call("PUT", f"{at}/handout", given, headers=TEACHER).status == 200
    handed = state(at, ANN)["handout"]
    assert (handed["number"], handed["vary"], handed["config"]["steps"]) == (1, "optimizer.learning_rate", 30)
    assert handed["config"]["model"]["cell"] == "rnn"
    runs = [trained(ANN), trained(ANN, optimizer={"learning_rate": 0.25}), trained(BOB)]
    for student, run in zip((ANN, ANN, BOB), runs, strict=True):
        assert call("POST", f"{at}/runs", {"run": run}, headers=student).status == 200
    assert call("POST", f"{at}/runs", {"run": runs[0]}, headers=BOB).error == (
        "run: there is no such run in your workspace."
    )
    answer = call("GET", f"{at}/wall", headers=BOB)
    wall = {run["watch"]: run for run in answer.json["runs"]}
    assert set(wall) == {watch_key(runs[1]), watch_key(runs[2])}
    secrets = [*runs, *(who["X-Workspace"] for who in (TEACHER, ANN, BOB))]
    assert not [secret for secret in secrets if secret.encode() in answer.body]
    ann = wall[watch_key(runs[1])]
    assert (ann["varied"], ann["status"], ann["step"]) == (0.25, "finished", 30)
    assert ann["label"].startswith("Student ")
    assert ann["curve"]["step"][-1] == 30
    losses = [run["loss"] for run in answer.json["runs"]]
    assert losses == sorted(losses)


def test_the_wall_tells_nicknames_only_where_the_teacher_wants_it(at: str) -> None:
    name = "  <b>Ann\u202e\n& Co</b> "
    assert call("POST", f"{at}/join", {"name": name}, headers=ANN).json["label"].startswith("Student ")
    call("PUT", f"{at}/names", {"names": True}, headers=TEACHER)
    assert call("POST", f"{at}/join", headers=ANN).json["label"] == "<b>Ann & Co</b>"
    refused = call("POST", f"{at}/join", {"name": "x" * 25}, headers=ANN)
    assert (refused.status, refused.error) == (400, "name: 25 characters are not allowed; allowed: up to 24.")


WRONG = [
    ("shown", {"runs": "x"}), ("shown", {"step": -1}), ("shown", {"figure": "<b>"}), ("shown", {"more": 1}),
    ("poll", {"question": "", "choices": ["a", "b"]}), ("poll", {"question": "?", "choices": ["a"]}),
    ("poll", {"question": "?", "choices": ["a"] * 9}), ("poll", {"question": "?", "choices": ["a", "b"], "right": 2}),
    ("poll", {"question": "?" * 501, "choices": ["a", "b"]}), ("handout", {"config": {"steps": 0}}),
    ("handout", {"config": {}, "vary": "clip"}), ("handout", {"config": {}, "vary": "clip.nothing"}),
    ("handout", {"config": {"data": {"kind": "upload", "files": [{"file": "sha256:" + "0" * 64}]}}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body"), WRONG, ids=[f"{each[0]} {str(each[1])[:40]}" for each in WRONG])
def test_what_makes_no_sense_is_refused_in_one_sentence(at: str, name: str, body: dict[str, Any]) -> None:
    answer = call("PUT", f"{at}/{name}", body, headers=TEACHER)
    assert (answer.status, "\n" in answer.error) == (400, False)


def test_a_choice_that_is_not_there_is_refused(at: str) -> None:
    call("PUT", f"{at}/poll", POLL, headers=TEACHER)
    answer = call("POST", f"{at}/poll/answer", {"choice": 2}, headers=ANN)
    assert (answer.status, answer.error) == (400, "choice: 2 is not allowed; allowed: 0 to 1")


def test_codes_cannot_be_tried_without_end_and_who_is_in_the_class_is_not_held_up(at: str) -> None:
    answers = [call("GET", "/api/classes/CCCCCC").status for _ in range(guesses.BURST + 1)]
    assert answers == [404] * guesses.BURST + [429]
    assert call("GET", at).status == 429
    assert call("GET", at, address="10.1.2.3").status == 200
    assert state(at, ANN)["code"] == at.rsplit("/")[-1]


def test_a_class_is_full_at_some_point(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.school(), "max_students", 2)
    answer = call("POST", f"{at}/join", headers={"X-Workspace": "C" * 22})
    assert (answer.status, answer.error) == (429, "This class has 2 students, as many as the server allows.")
    assert call("POST", f"{at}/join", headers=ANN).status == 200


def test_followers_are_answered_on_change_with_the_same_bytes_and_are_counted(at: str) -> None:
    async def follow() -> tuple[list[Answer], Answer, Answer]:
        version = json.loads((await send("GET", at, headers=ANN)).body)["version"]
        waiting = [
            asyncio.create_task(send("GET", f"{at}/changes?version={version}", headers=who)) for who in (ANN, BOB)
        ]
        count = await send("GET", f"{at}/changes", headers=TEACHER)
        while count.json["followers"] < 2:
            count = await send("GET", f"{at}/changes?version={count.json['version']}", headers=TEACHER)
        assert not any(task.done() for task in waiting)
        shown = await send("PUT", f"{at}/shown", {"step": 7}, headers=TEACHER)
        assert shown.status == 200
        return await asyncio.gather(*waiting), count, await send("GET", at, headers=TEACHER)

    (ann, bob), count, afterwards = asyncio.run(asyncio.wait_for(follow(), 20))
    assert ann.body == bob.body
    assert (ann.json["shown"]["step"], ann.json["teacher"]) == (7, False)
    assert count.json["followers"] == 2
    assert afterwards.json["students"] == 2


def test_followers_hear_of_the_runs_that_are_shown_with_the_same_request_and_the_same_bytes(at: str) -> None:
    run = trained(TEACHER)
    key = watch_key(run)
    told = call("GET", f"/api/records?run={key}:0", headers=ANN).json["told"]

    async def follow() -> list[list[Answer]]:
        version = json.loads((await send("GET", at, headers=ANN)).body)["version"]

        def ask(who: dict[str, str], since: int, known: str) -> asyncio.Task[Answer]:
            path = f"{at}/changes?version={version}&run={key}:{since}&told={known}"
            return asyncio.create_task(send("GET", path, headers=who))

        news = await asyncio.gather(*(ask(who, 20, "another") for who in (ANN, BOB)))
        waiting = [ask(who, 30, told) for who in (ANN, BOB)]
        done, _ = await asyncio.wait(waiting, timeout=0.3)
        assert not done
        await send("PUT", f"{at}/shown", {"runs": key, "step": 7}, headers=TEACHER)
        return [news, await asyncio.gather(*waiting)]

    news, changed = asyncio.run(asyncio.wait_for(follow(), 20))
    for (ann, bob), step in ((news, None), (changed, 7)):
        assert ann.body == bob.body
        assert run.encode() not in ann.body
        assert (ann.json["shown"] or {"step": None})["step"] == step
    records = news[0].json["records"]
    assert (records["told"], [each["run"] for each in records["runs"]]) == (told, [key])
    assert decoded(records["runs"][0]["columns"]["step"]).tolist() == list(range(21, 31))
    assert "records" not in changed[0].json


def test_what_a_follower_says_of_runs_is_read_as_strictly_as_elsewhere(at: str) -> None:
    for wrong in ("run=x", "run=", "&".join([f"run={NOBODY}:0"] * 7)):
        answer = call("GET", f"{at}/changes?{wrong}", headers=ANN)
        assert (answer.status, answer.error) == (400, "run: 1 to 6 values of the form ID:STEP are needed.")
    unknown = call("GET", f"{at}/changes?version=1&run={NOBODY}:0", headers=ANN)
    assert unknown.status == 200


def test_who_has_not_joined_cannot_hold_a_request(at: str) -> None:
    assert call("GET", f"{at}/changes", headers={"X-Workspace": NOBODY}).status == 403
    assert call("GET", f"{at}/changes?version=x", headers=ANN).status == 400


def test_a_closed_class_is_gone_for_those_who_wait_too(at: str) -> None:
    async def wait_for_the_end() -> list[int]:
        version = json.loads((await send("GET", at, headers=ANN)).body)["version"]
        waiting = asyncio.create_task(send("GET", f"{at}/changes?version={version}", headers=ANN))
        await asyncio.sleep(0.05)
        closed = await send("DELETE", at, headers=TEACHER)
        return [closed.status, (await waiting).status, (await send("GET", at, headers=TEACHER)).status]

    assert asyncio.run(asyncio.wait_for(wait_for_the_end(), 20)) == [200, 404, 404]


def test_one_browser_holds_a_few_requests_at_most(at: str) -> None:
    async def hold() -> list[int]:
        version = json.loads((await send("GET", at, headers=ANN)).body)["version"]
        path = f"{at}/changes?version={version}"
        waiting = [asyncio.create_task(send("GET", path, headers=ANN)) for _ in range(5)]
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return [task.result().status for task in done] + [len(pending)]

    assert asyncio.run(asyncio.wait_for(hold(), 20)) == [429, 4]


def test_the_count_of_answers_reaches_the_teacher_alone(at: str) -> None:
    call("PUT", f"{at}/poll", POLL, headers=TEACHER)
    call("POST", f"{at}/poll/answer", {"choice": 0}, headers=BOB)
    wait(lambda: state(at, TEACHER)["poll"]["answers"] == 1)
    assert state(at, ANN)["poll"]["answers"] is None
