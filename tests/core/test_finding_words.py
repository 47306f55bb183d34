"""Each finding word for word: its sentence, its figures, and the change that it proposes."""

import pytest

from rnncore.changes import changed
from rnncore.config import TrainConfig
from rnncore.diagnosis.finding import Remedy
from rnncore.diagnosis.kinds import FINDINGS
from tests.support import findings_of_networks, findings_of_settings
from tests.support.evidence import Told, sick

TOLD = findings_of_settings.TOLD + findings_of_networks.TOLD


@pytest.mark.parametrize("case", TOLD, ids=lambda case: case[0])
def test_what_is_said_of_a_run_word_for_word(case: Told) -> None:
    kind, config, evidence, sentence, figures, remedy = case
    finding = sick(config, **evidence)[kind]
    assert finding.sentence == sentence
    assert finding.evidence == pytest.approx(figures, rel=1e-9)
    assert finding.remedy == (Remedy(*remedy) if remedy else None)
    if remedy:
        changed(TrainConfig.model_validate(config), remedy[1])  # valid


def test_every_cause_has_a_case() -> None:
    assert {kind for kind, rule in FINDINGS.items() if rule.group == "cause"} <= {case[0] for case in TOLD}
