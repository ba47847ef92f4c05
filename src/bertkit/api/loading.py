"""`bertkit.load` and `bertkit.load_encoder`: those of the packages below, whose errors name arguments."""

from __future__ import annotations

from bertkit.config.wording import worded
from bertkit.inference import model
from bertkit.pretrained import loading

load = worded(model.load)
load_encoder = worded(loading.load_encoder)
