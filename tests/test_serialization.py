"""What another process could not load with a model is told at construction."""

import functools
import re
import warnings

import keras
import pytest

import keras_ccar
from keras_ccar.adjustments import Adjustment
from keras_ccar.weightings import CCARWeighting, Weighting

COUNTS = [90, 8, 2]


def unregistered(p_t, f_c):
    return 1 - p_t


def relu(p_t, f_c):  # as a function of Keras is called
    return 1 - p_t


@keras.saving.register_keras_serializable("tests")
def registered(p_t, f_c):
    return 1 - p_t


@keras.saving.register_keras_serializable("tests")
def with_gamma(p_t, f_c, gamma):
    return (1 - p_t) ** gamma


def powers(gamma):
    def power(p_t, f_c):
        return (1 - p_t) ** gamma

    return power


def indirect(gamma):
    power = powers(gamma)

    def twice(p_t, f_c):
        return 2 * power(p_t, f_c)

    return twice


def harmless():
    from keras import ops

    @keras.saving.register_keras_serializable("tests")
    def square(p_t, f_c):
        return ops.square(1 - p_t)

    return square


def overtaken():
    """A function whose registered name another one has taken since."""

    @keras.saving.register_keras_serializable("tests", "overtaken")
    def first(p_t, f_c):
        return 1 - p_t

    @keras.saving.register_keras_serializable("tests", "overtaken")
    def second(p_t, f_c):
        return 2 - p_t

    return first


def registered_power(gamma):
    return keras.saving.register_keras_serializable("tests")(powers(gamma))


class Method:
    def weight(self, p_t, f_c):
        return 1 - p_t

    def __call__(self, p_t, f_c):
        return 1 - p_t


class Unregistered(Weighting):
    def __call__(self, p_t, f_c, prior):
        return 1 - p_t


@keras.saving.register_keras_serializable("tests")
class Power(Weighting):
    def __init__(self, gamma):
        self.gamma = gamma

    def __call__(self, p_t, f_c, prior):
        return (1 - p_t) ** self.gamma

    def get_config(self):
        return {"gamma": self.gamma}


@keras.saving.register_keras_serializable("tests")
class Forgetful(Weighting):
    def __init__(self, gamma=2.0, delta=0.0):
        self.gamma, self.delta = gamma, delta

    def __call__(self, p_t, f_c, prior):
        return (1 - p_t) ** self.gamma + self.delta


@keras.saving.register_keras_serializable("tests")
class Holder(Weighting):
    def __init__(self, function):
        self.function = function

    def __call__(self, p_t, f_c, prior):
        return self.function(p_t, f_c)

    def get_config(self):
        return {"function": self.function}


class OwnAdjustment(Adjustment):
    def __call__(self, logits, labels, prior):
        return logits


NOT_RELOADABLE = {
    "lambda": (lambda: lambda p, f: 1 - p, "lambda.*def weight(p, f): ..."),
    "function": (
        lambda: unregistered,
        "'unregistered' is not registered.*def unregistered(p_t, f_c): ...",
    ),
    "name of Keras's": (lambda: relu, "'relu' is not registered"),
    "closure": (lambda: powers(2.0), "depends on `gamma`.*class Power: ..."),
    "registered closure": (lambda: registered_power(2.0), "depends on `gamma`"),
    "closure in a closure": (lambda: indirect(2.0), "depends on `gamma`"),
    "overtaken": (overtaken, "another function .* 'tests>overtaken'.*another name"),
    "partial": (
        lambda: functools.partial(with_gamma, gamma=2.0),
        "type 'partial'.*`__init__(self, gamma)`.*class WithGamma: ...",
    ),
    "method": (lambda: Method().weight, "type 'method'"),
    "object": (Method, "type 'Method'"),
    "class": (Unregistered, "'Unregistered'.*class Unregistered(Weighting): ..."),
    "get_config": (lambda: Forgetful(3.0), r"Forgetful.get_config()` lacks `gamma`\."),
    "held lambda": (lambda: Holder(lambda p, f: 1 - p), "lambda"),
}


def pattern(text):
    """Escapes everything but `.*`."""
    return "(?s)" + ".*".join(map(re.escape, text.replace("\\", "").split(".*")))


@pytest.mark.parametrize("case", NOT_RELOADABLE)
def test_warns_once_where_the_user_is(case):
    make, message = NOT_RELOADABLE[case]
    weighting = make()
    with pytest.warns(UserWarning, match=pattern(message)) as caught:
        loss = keras_ccar.LongTailedCrossentropy(COUNTS, weighting=weighting)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert str(caught[0].message).startswith("`weighting` cannot be loaded")
    assert float(loss([0], [[0.2, 0.3, 0.5]])) > 0  # and works in this process


LOSSES = {
    "form": {
        "ccar": lambda form: keras_ccar.CCARLoss(COUNTS, form=form),
        "binary": lambda form: keras_ccar.BinaryCCARLoss([2], 100, form=form),
        "weighting": lambda form: CCARWeighting(form=form),
    },
    "weighting": {
        "balanced": lambda w: keras_ccar.BalancedSoftmaxLoss(COUNTS, weighting=w),
        "adjusted": lambda w: keras_ccar.LogitAdjustedLoss(COUNTS, weighting=w),
        "ldam": lambda w: keras_ccar.LDAMLoss(COUNTS, weighting=w, from_logits=True),
    },
}


@pytest.mark.parametrize(
    ("argument", "name"), [(a, name) for a in LOSSES for name in LOSSES[a]]
)
def test_every_argument_warns(argument, name):
    with pytest.warns(UserWarning, match=f"`{argument}` cannot be loaded") as caught:
        LOSSES[argument][name](unregistered)
    assert [warning.filename for warning in caught] == [__file__]
    LOSSES[argument][name](registered)


def test_adjustment_warns():
    message = pattern("`adjustment` cannot.*class OwnAdjustment(Adjustment): ...")
    with pytest.warns(UserWarning, match=message) as caught:
        keras_ccar.CCARLoss(COUNTS, adjustment=OwnAdjustment())
    assert [warning.filename for warning in caught] == [__file__]


def test_a_subclass_of_a_loss_is_where_the_user_is():
    class Own(keras_ccar.CCARLoss):
        def __init__(self):
            super().__init__(COUNTS, form=unregistered)

    with pytest.warns(UserWarning, match="`form` cannot") as caught:
        Own()
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "weighting",
    [
        None,
        registered,
        harmless(),
        Power(2.0),
        Forgetful(),  # which is the same without arguments
        Holder(registered),
        CCARWeighting(form="power"),
        keras.losses.mean_squared_error,
    ],
    ids=lambda w: getattr(w, "__name__", type(w).__name__),
)
def test_silent(weighting):
    loss = keras_ccar.LongTailedCrossentropy(COUNTS, weighting=weighting)
    copy = keras_ccar.LongTailedCrossentropy.from_config(loss.get_config())
    assert type(copy.weighting) is type(loss.weighting)


def test_silent_among_custom_objects():
    with keras.saving.custom_object_scope({"unregistered": unregistered}):
        keras_ccar.CCARLoss(COUNTS, form=unregistered)


def test_a_module_that_was_imported_twice_is_silent():
    program = (
        "import keras\n"
        "@keras.saving.register_keras_serializable('tests')\n"
        "def twofold(p_t, f_c):\n"
        "    return 2 - p_t\n"
        "@keras.saving.register_keras_serializable('tests')\n"
        "class Twofold(Weighting):\n"
        "    def __call__(self, p_t, f_c, prior):\n"
        "        return 2 - p_t\n"
    )
    first, second = ({"Weighting": Weighting, "__name__": "mine"} for _ in range(2))
    exec(program, first)
    exec(program, second)
    keras_ccar.CCARLoss(COUNTS, form=first["twofold"])
    keras_ccar.LongTailedCrossentropy(COUNTS, weighting=first["Twofold"]())


def test_loading_does_not_warn_again():
    def unknown(p_t, f_c):
        return 2 - p_t

    with pytest.warns(UserWarning, match="not registered"):
        loss = keras_ccar.CCARLoss(COUNTS, form=unknown)
    config = loss.get_config()
    with pytest.raises(TypeError, match="Could not locate function"):
        keras_ccar.CCARLoss.from_config(config)
    config["form"] = unknown
    assert keras_ccar.CCARLoss.from_config(config).form is unknown
    with pytest.warns(UserWarning, match="not registered"):  # as before
        keras_ccar.CCARLoss(COUNTS, form=unknown)


def advice(make):
    """The code that the warning shows."""
    with pytest.warns(UserWarning, match="cannot be loaded") as caught:
        keras_ccar.LongTailedCrossentropy(COUNTS, weighting=make())
    lines = str(caught[0].message).splitlines()
    return [line.removeprefix("    ") for line in lines if line.startswith("    ")]


@pytest.mark.parametrize(
    ("case", "body"),
    [
        ("function", "return 1 - p_t"),
        ("lambda", "return 1 - p"),
        ("class", "\n  def __call__(self, p_t, f_c, prior): return 1 - p_t"),
        (
            "closure",
            "\n  def __init__(self, gamma): self.gamma = gamma"
            "\n  def __call__(self, p_t, f_c): return (1 - p_t) ** self.gamma"
            "\n  def get_config(self): return {'gamma': self.gamma}"
            "\n  @classmethod"
            "\n  def from_config(cls, config): return cls(**config)",
        ),
        (
            "partial",
            "\n  def __init__(self, gamma): self.gamma = gamma"
            "\n  def __call__(self, p_t, f_c): return (1 - p_t) ** self.gamma"
            "\n  def get_config(self): return {'gamma': self.gamma}"
            "\n  @classmethod"
            "\n  def from_config(cls, config): return cls(**config)",
        ),
    ],
)
def test_the_advice_works(case, body):
    make, _ = NOT_RELOADABLE[case]
    names = {"keras": keras, "Weighting": Weighting}
    known = set(names)
    code = "\n".join(advice(make)).replace("...", body)
    exec(code, names)
    (own,) = (
        value for name, value in names.items() if name not in known | {"__builtins__"}
    )
    arguments = {"closure": [2.0], "partial": [0.5], "class": []}.get(case)
    weighting = own if arguments is None else own(*arguments)
    loss = keras_ccar.LongTailedCrossentropy(COUNTS, weighting=weighting)
    copy = keras_ccar.LongTailedCrossentropy.from_config(loss.get_config())
    values = [float(each([0], [[0.2, 0.3, 0.5]])) for each in (loss, copy)]
    assert values[0] == values[1]


def test_warnings_come_back_after_an_error():
    with pytest.raises(TypeError):
        keras_ccar.CCARLoss.from_config({"unknown": 1})
    with pytest.warns(UserWarning, match="not registered"):
        keras_ccar.CCARLoss(COUNTS, form=unregistered)


def test_a_default_filter_shows_it(recwarn):
    warnings.simplefilter("default")
    keras_ccar.CCARLoss(COUNTS, form=unregistered)
    assert len(recwarn) == 1
