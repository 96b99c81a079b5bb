"""How the user's files are to be read."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from keras_ccar.arguments import argument_error, check_number, check_whole_number


@dataclass(frozen=True)
class SourceOptions:
    """What the user said about the files.

    Attributes:
        label: columns of a table that hold the label.
        separator: what divides several labels in a column, or None.
        drop: columns of a table that are left out.
        keep: columns of a table that are read although they seem to name rows.
        group: column of a table whose values name what rows belong to, such as
            patients; those of one are in one part.
        validation: share of the examples of each class for validation, or the path of
            data of the same kind.
        test: a further share, or a path, or None.
        seed: chooses the examples of each part.
        backbone: preset of KerasHub, or None for a small network.
        tune: what of the backbone is trained: "head", a new last layer alone, "stage",
            its last stage too, or "all".
        image_size: side in pixels of images, or None to choose it.
        cache: folder where features are kept.

    Raises:
        ValueError: for a share that is out of range, or options that do not go
            together.
    """

    label: tuple[str, ...] = ()
    separator: str | None = None
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    group: str | None = None
    validation: float | Path = 0.2
    test: float | Path | None = None
    seed: int = 0
    backbone: str | None = None
    tune: str = "head"
    image_size: int | None = None
    cache: Path = Path("runs/features")

    def __post_init__(self) -> None:
        for name in ("validation", "test"):
            share = getattr(self, name)
            if isinstance(share, float) and not 0 < check_number(name, share) < 1:
                raise argument_error(name, share, "a share in (0, 1)")
        if sum(self.shares.values()) >= 1:
            raise ValueError(
                "`validation` and `test` must leave something to train on. Received: "
                f"validation={self.validation}, test={self.test}."
            )
        check_whole_number("seed", self.seed, 0)

    @property
    def shares(self) -> dict[str, float]:
        """The share of each part that is taken from the examples."""
        parts = self._held_out.items()
        return {name: part for name, part in parts if isinstance(part, float)}

    def fewest_examples(self, given: Collection[str] = ()) -> int:
        """Returns how many examples a class needs: one for each part that is cut.

        Args:
            given: the names of parts that are there already.
        """
        return max(2, 1 + len(self.shares.keys() - set(given)))

    @property
    def paths(self) -> dict[str, Path]:
        """The path of each part that has data of its own."""
        parts = self._held_out.items()
        return {name: part for name, part in parts if isinstance(part, Path)}

    @property
    def _held_out(self) -> dict[str, float | Path | None]:
        return {"validation": self.validation, "test": self.test}
