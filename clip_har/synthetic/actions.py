"""The actions: their names, captions, own scenes, objects and movements."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clip_har.synthetic import moves, moves_objects, props
from clip_har.synthetic.motion import Motion
from clip_har.synthetic.props import Solid
from clip_har.synthetic.skeleton import Skeleton
from clip_har.synthetic.take import Take

Build = Callable[[Skeleton, Motion, np.random.Generator], list[Solid]]


@dataclass(frozen=True)
class Action:
    """An action class.

    Attributes:
        name: Class name, a file-system-safe word.
        scene: Its own scene, in which a biased data set shows it.
        object: The object it uses, or None.
        phrase: Words for captions: "a person ``phrase``".
        move: Returns the movement of one performance.
        yaw: Range of the person's turn, degrees: 0 faces the side, 90 the camera.
        build: Makes the object.
    """

    name: str
    scene: str
    object: str | None
    phrase: str
    move: Callable[[Take], Motion]
    yaw: tuple[float, float] = (-18.0, 24.0)
    build: Build | None = None


ACTIONS: tuple[Action, ...] = (
    Action("walking", "street", None, "walking", moves.walking),
    Action("running", "park", None, "running", moves.running),
    Action("jumping_jacks", "gym", None, "doing jumping jacks", moves.jumping_jacks, (66, 114)),
    Action("squatting", "rooftop", None, "squatting", moves.squatting, (8, 52)),
    Action("push_ups", "beach", None, "doing push-ups", moves.push_ups, (-14, 20)),
    Action("crawling", "desert", None, "crawling", moves.crawling, (-14, 24)),
    Action("waving", "station", None, "waving", moves.waving, (68, 112)),
    Action("clapping", "classroom", None, "clapping", moves.clapping, (38, 100)),
    Action("punching", "boxing_ring", None, "punching", moves.punching, (-8, 30)),
    Action("kicking", "football_field", "ball", "kicking a ball", moves_objects.kicking,
           (-12, 24), props.football),
    Action("bowing", "stage", None, "bowing", moves.bowing, (-14, 30)),
    Action("falling", "bathroom", None, "falling down", moves.falling, (-14, 20)),
    Action("sitting_down", "office", "chair", "sitting down on a chair",
           moves_objects.sitting_down, (-8, 34), props.chair),
    Action("standing_up", "living_room", "chair", "standing up from a chair",
           moves_objects.standing_up, (-8, 34), props.chair),
    Action("lifting", "garage", "barbell", "lifting a barbell overhead",
           moves_objects.lifting, (58, 112), props.barbell),
    Action("throwing", "snow_field", "ball", "throwing a ball", moves_objects.throwing,
           (-8, 24), props.thrown_ball),
    Action("drinking", "kitchen", "cup", "drinking from a cup", moves_objects.drinking,
           (12, 52), props.cup),
    Action("mopping", "corridor", "mop", "mopping the floor", moves_objects.mopping,
           (-12, 30), props.mop),
    Action("pushing_wheelchair", "hospital_ward", "wheelchair", "pushing a wheelchair",
           moves_objects.pushing_wheelchair, (-12, 20), props.wheelchair),
    Action("climbing", "garden", "ladder", "climbing a ladder", moves_objects.climbing,
           (-62, -24), props.ladder),
)  # fmt: skip
BY_NAME: dict[str, Action] = {action.name: action for action in ACTIONS}
