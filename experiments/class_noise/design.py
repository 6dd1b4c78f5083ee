"""The size of the study: how many clips, subjects, fits and models, and what they cost."""

from pydantic import Field

from clip_har.core.settings import Settings


class Design(Settings):
    """The numbers that decide power and cost.

    Attributes:
        clips: evaluated clips.
        subjects: whose clips they are.
        models: tiny models.
        fits: noise seeds of each model, all distinct.
        costly: fits of each model that also have the costly placebos.
        frames: of a clip.
        masks: number of masks, no mask included.
    """

    clips: int = Field(ge=2)
    subjects: int = 32
    models: int = 3
    fits: int = Field(default=4, ge=1)
    costly: int = 2
    frames: int = 1
    masks: int = 14


class Pace(Settings):
    """What the study's work takes, on this class of machine.

    Attributes:
        forward: passes of a frame a second.
        step: passes forward and backward of a frame a second.
        cell: seconds of a cell besides its passes.
        base_steps: optimiser steps of the noise for all classes.
        steps: of its second noise, and of the class part.
        batch: distinct frames in a step of the noise for all classes and of the class part.
        wrong: wrong classes whose noise each frame of the class part gets; the second noise sees
            as many more frames in a step.
        validation: frames in each validation of the class part, and how many validations.
        candidates: classes whose noise each of them is shown under, beside none.
        held: clips that the stacks are fitted on.
        fit_masks: times that they are shown: under a mask of training, and for the gate without.
        classes: of the data.
    """

    forward: float = 1400
    step: float = 500
    cell: float = 1.5
    base_steps: int = 500
    steps: int = 150
    batch: int = 32
    wrong: int = 3
    validation: tuple[int, int] = (120, 6)
    candidates: int = 6
    held: int = 500
    fit_masks: int = 2
    classes: int = 20

    def seconds(self, design: Design) -> dict[str, float]:
        """Return the time of each part of the study.

        Passes of a frame: without noise, under the noise for all classes, under its second noise
        and under that of each class. The placebo of another class needs none. Each costly placebo,
        random noise and noise of shuffled labels, needs one of each class; the second is also
        learned.
        """
        plain, costly = self.classes + 3, 2 * self.classes
        fits = design.models * design.fits
        placebos = design.models * min(design.costly, design.fits)
        validated, times = self.validation
        universal = self.base_steps * self.batch / self.step
        second = self.steps * self.batch * (1 + self.wrong) / self.step
        one = second + times * validated * (1 + self.candidates) / self.forward
        shown = self.held * self.fit_masks * design.frames
        evaluated = design.clips * design.frames * design.masks
        return {
            "noise for all classes": fits * universal,
            "its second noise": fits * second,
            "class part": fits * one,
            "class part of shuffled labels": placebos * one,
            "fitting the stacks": (fits * plain + placebos * costly) * shown / self.forward,
            "evaluation": fits * plain * evaluated / self.forward,
            "evaluation of costly placebos": placebos * costly * evaluated / self.forward,
            "cells": fits * design.masks * self.cell,
        }

    def hours(self, design: Design) -> float:
        """Return the time of the study, hours."""
        return sum(self.seconds(design).values()) / 3600
