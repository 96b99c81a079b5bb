"""New images, read as those of a comparison were."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pandas as pd

from keras_ccar.benchmark.features import backbone_features
from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.images.backbones import behind_backbone
from keras_ccar.benchmark.sources.images.image_files import read_image_files
from keras_ccar.benchmark.sources.images.image_notes import note_hidden, note_others
from keras_ccar.benchmark.sources.user_data import NewExamples, write_reading
from keras_ccar.datasets.loaders.folders import Below, files_below


@dataclass(frozen=True)
class ImageReading:
    """Of images: resized as those that were trained on, or features of them.

    Attributes:
        side: the side in pixels.
        backbone: the pretrained network whose features were trained on, or None.
        before_last_stage: whether they are those that its last stage takes.
    """

    side: int
    backbone: str | None
    before_last_stage: bool = False

    def save(self, folder: Path) -> None:
        """See `Reading`."""
        write_reading(folder, {"source": "images", **dataclasses.asdict(self)})

    @classmethod
    def load(cls, folder: Path, content: dict[str, Any]) -> Self:
        """Returns what `save` wrote."""
        # Before the last stage could be trained, nothing was said of it.
        is_before = content.get("before_last_stage", False)
        return cls(content["side"], content["backbone"], is_before)

    def read(self, path: Path, notes: list[str]) -> NewExamples:
        """See `Reading`; images lie in a folder or its folders, or are one file.

        Files that cannot be read are left out and named in the notes.
        """
        below = Below([path], [], []) if path.is_file() else files_below(path)
        files = below.images
        names = [str(file) for file in files]
        side = None if self.backbone else self.side
        said: list[str] = []
        note_hidden(below.hidden, path, said)
        note_others(below.others, path, said)
        found, why_not = read_image_files(files, names, side, path, said, False)
        if not found:
            why = [*(note.removeprefix("Warning: ") for note in said), why_not]
            raise ValueError(
                " ".join([f"{path} must hold images that can be read.", *why]).strip()
            )
        notes += said
        good = [files[i] for i, _ in found]
        rows = pd.DataFrame({"file": [str(file) for file in good]})
        if self.backbone is not None:
            features = backbone_features(
                self.backbone,
                good,
                self.side,
                before_last_stage=self.before_last_stage,
            )
            return NewExamples(rows, features)
        pixels = [one.pixels for _, one in found if one.pixels is not None]
        return NewExamples(rows, np.stack(pixels))

    def make_whole(self, network: keras.Model) -> keras.Model:
        """See `Reading`."""
        if self.backbone is None:
            return networks.behind_resizing(network, self.side)
        return behind_backbone(
            network, self.backbone, self.side, self.before_last_stage
        )
