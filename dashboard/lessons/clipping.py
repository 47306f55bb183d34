"""Lessons on clipping: what it does to the direction, and where to put the threshold."""

from dashboard.lessons.lesson import WITH_UPDATES, Lesson, run
from dashboard.lessons.problem import RESCUE

SECTION = "Clipping"
SHORT = {"steps": 600, "profile_every": 5}

LESSONS = (
    Lesson(
        key="value",
        section=SECTION,
        title="Clip the length, or each value?",
        teaser="Is cutting every number the same as cutting the length?",
        question="One run clips the length of the whole gradient at 1. The other cuts every single number of it to "
        "$\\pm 0.03$; with its 1,153 parameters no gradient is then longer than $0.03\\sqrt{1153} \\approx 1$ either. "
        "Do the two learn alike?",
        choices=(
            "Yes: the longest possible step is the same",
            "Clipping by value learns better, it tames every parameter",
            "Clipping by norm learns better",
        ),
        right=2,
        answer="Clipping by norm learns. Clipping by value learns a little, then runs away: short steps, wrong way.",
        sentences=(
            "By norm, the gradient keeps its direction. By value, large components are cut and small ones are not: "
            "here the first gradient is turned by 35 to 50 degrees.",
            "From $g=(3,4)$, norm 1 makes $(0.6, 0.8)$; value 3.5 makes $(3, 3.5)$, which points elsewhere.",
            "After 600 steps the norm run has a loss of 0.002 or less. The value run is clipped at every step, never "
            "comes below 0.02, and between step 200 and 600 its loss runs away beyond $10^{15}$, with every seed "
            "tried.",
        ),
        look=(
            "The length of the updates (“Gradient norm”, dashed): at most 0.1 in both runs.",
            "The share of steps clipped lately, above the gradient norm: by norm few, in the end none; by value all.",
            "The loss of both.",
        ),
        change=(
            "Method “Each value”, threshold 0.1: fewer values are cut, it learns, after a rough start.",
            "Method “Each value”, threshold 1: it hardly acts, and the loss shoots up at step 2 as without clipping.",
        ),
        source="Mikolov (2012), Statistical language models based on neural networks, section 3.2.2; Pascanu et al. "
        "(2013), algorithm 1",
        seeds=5,
        runs=(
            run("norm, at 1", RESCUE, **SHORT),
            run("each value, at 0.03", RESCUE, **SHORT, clip={"method": "value", "threshold": 0.03}),
        ),
        terms=("Clipping", "Gradient norm"),
        show=WITH_UPDATES,
    ),
    Lesson(
        key="threshold",
        section=SECTION,
        title="How to choose the threshold",
        teaser="Is a smaller threshold always safer?",
        question="The threshold 1 rescued the network. Then surely 0.01 is safer still. Which of the two has learned "
        "more after 600 steps?",
        choices=("Threshold 0.01", "Threshold 1", "There is no difference"),
        right=1,
        answer="Threshold 1, by far.",
        sentences=(
            "Where the threshold is below almost every gradient, each step is clipped, and each update has the same "
            "length: learning rate times threshold, here 0.001. The threshold has become the learning rate.",
            "After 600 steps the loss is 0.05 to 0.08 with 0.01, and 0.002 or less with 1: thirty times lower or more.",
            "A good threshold is near the usual norm: watch it for some steps, then take half to ten times its "
            "average. Over the 600 steps of the first run that average is about 1 to 3.",
        ),
        look=(
            "The gradient norm against the two threshold lines: one is crossed now and then, one always.",
            "The length of the updates (dashed there): a flat line for 0.01.",
            "The loss of both.",
        ),
        change=(
            "Threshold 100: hardly ever reached. The loss shoots above a million within five steps, and comes back "
            "slowly.",
            "Threshold 1000: now some seeds die for good, as without clipping.",
            "Threshold 0.01 with learning rate 10: now every step is as long as the longest of the other run. It "
            "learns, but stays near 0.006, because it cannot take short steps.",
        ),
        source="Pascanu, Mikolov & Bengio (2013), section 3.2",
        seeds=5,
        runs=(
            run("threshold 1", RESCUE, **SHORT),
            run("threshold 0.01", RESCUE, **SHORT, clip={"threshold": 0.01}),
        ),
        terms=("Threshold", "Update norm", "Learning rate"),
        show=WITH_UPDATES,
    ),
)
