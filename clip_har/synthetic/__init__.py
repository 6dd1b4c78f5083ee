"""A rendered action data set with known ground truth: person, object and scene of each clip."""

from clip_har.synthetic.actions import ACTIONS, Action
from clip_har.synthetic.plan import ClipSpec, caption, plan_clips
from clip_har.synthetic.render import Rendered, Variant, render_clip
from clip_har.synthetic.scenes import SCENES, scene_phrase
from clip_har.synthetic.sheet import contact_sheet
from clip_har.synthetic.write import encode_video

__all__ = [
    "ACTIONS",
    "SCENES",
    "Action",
    "ClipSpec",
    "Rendered",
    "Variant",
    "caption",
    "contact_sheet",
    "encode_video",
    "plan_clips",
    "render_clip",
    "scene_phrase",
]
