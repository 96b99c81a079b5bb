import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import expit, logsumexp, softmax

from keras_ccar.ops.crossentropy import (
    class_losses,
    few_classes,
    sigmoid_terms,
    softmax_terms,
    sparse_crossentropy,
)

ON_JAX = keras.backend.backend() == "jax"
ON_TORCH = keras.backend.backend() == "torch"
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


def made(shape, scale=3.0, num_classes=7):
    random = np.random.default_rng(0)
    labels = random.integers(0, num_classes, shape).astype("int32")
    return labels, scale * random.normal(size=(*shape, num_classes)).astype("float32")


def oracle(labels, logits):
    logits = logits.astype("float64")
    true = np.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    return logsumexp(logits, axis=-1) - true


@pytest.mark.parametrize("shape", [(5,), (0,), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("scale", [1e-3, 3.0, 1e4])
def test_sparse_crossentropy(shape, scale):
    labels, logits = made(shape, scale)
    got = ops.convert_to_numpy(
        sparse_crossentropy(
            ops.convert_to_tensor(labels), ops.convert_to_tensor(logits)
        )
    )
    np.testing.assert_allclose(got, oracle(labels, logits), rtol=1e-5, atol=1e-6)


def made_share(shape, num_classes=7):
    """Weights of classes, most of them 0, that need not sum to 1."""
    random = np.random.default_rng(1)
    share = random.uniform(0, 2, (*shape, num_classes))
    return (share * (random.uniform(size=share.shape) < 0.4)).astype("float32")


def soft(share, logits):
    _, crossentropy = softmax_terms(logits)
    return crossentropy(share)


def soft_oracle(share, logits):
    logits = logits.astype("float64")
    return (share * (logsumexp(logits, axis=-1, keepdims=True) - logits)).sum(-1)


@pytest.mark.parametrize("shape", [(5,), (0,), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("scale", [1e-3, 3.0, 1e4])
def test_soft_crossentropy(shape, offset, scale):
    # A large offset must not cost the digits of what is small beside it.
    share, logits = made_share(shape), made(shape, scale)[1] + np.float32(offset)
    got = ops.convert_to_numpy(
        soft(ops.convert_to_tensor(share), ops.convert_to_tensor(logits))
    )
    np.testing.assert_allclose(got, soft_oracle(share, logits), rtol=1e-5, atol=1e-6)
    assert (got >= 0).all()


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("scale", [0.0, 1e-5, -1.0, 1e3, 1e36])
def test_shares_of_any_magnitude(scale, dtype):
    if dtype == "float16" and scale > 1e3:
        pytest.skip("beyond the range of float16")
    if dtype == "float64" and ON_JAX:
        pytest.skip("JAX needs a switch for float64")
    share, logits = scale * made_share((50,)), made((50,))[1]
    share, logits = (ops.convert_to_tensor(x, dtype=dtype) for x in (share, logits))
    got, *given = (
        # NumPy has no bfloat16.
        ops.convert_to_numpy(x if dtype == "float64" else ops.cast(x, "float32"))
        for x in (soft(share, logits), share, logits)
    )
    tolerance = {"float16": 5e-3, "bfloat16": 3e-2}.get(dtype, 1e-5)
    # Half precision cannot represent smaller numbers.
    smallest = 1e-6 if dtype == "float16" else 1e-30
    expected = soft_oracle(*(x.astype("float64") for x in given))
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=smallest)


def test_infinity_and_nan_propagate():
    inf, nan = np.inf, np.nan
    for share, logits, expected in (
        ([0.2, 0.8, 0], [1, -inf, 2], inf),
        ([0.2, 0.8, 0], [1, 2, -inf], nan),
        ([0.2, 0.8, 0], [1, nan, 2], nan),
        ([0.2, 0.8, 0], [1, 2, inf], nan),
        ([0.2, inf, 0], [1, 2, 3], inf),
        ([0.2, nan, 0], [1, 2, 3], nan),
        ([60, -60, 0], [-10, 2, 3], 720),
        ([-30, -30, 0], [-10, 2, 3], -438.797),
    ):
        share, logits = np.float32([share]), np.float32([logits])
        got = ops.convert_to_numpy(
            soft(ops.convert_to_tensor(share), ops.convert_to_tensor(logits))
        )
        np.testing.assert_allclose(got, [expected], rtol=1e-5)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="other backends have their own")
class TestSoftDerivativesOnTensorFlow:
    @pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0])
    @pytest.mark.parametrize("options", [None, {}, {"jit_compile": True}], ids=str)
    def test_gradients(self, scale, options):
        import tensorflow as tf

        def gradients(share, logits):
            with tf.GradientTape() as tape:
                tape.watch((share, logits))
                total = tf.reduce_sum(soft(share, logits) * tf.range(1.0, 7.0))
            return tape.gradient(total, (share, logits))

        if options is not None:
            gradients = tf.function(gradients, **options)
        share, logits = np.float32(scale) * made_share((6,)), made((6,))[1]
        got = gradients(tf.constant(share), tf.constant(logits))
        p = softmax(logits.astype("float64"), axis=-1)
        upstream = np.arange(1, 7)[:, None]
        share = share.astype("float64")
        by_logits = p * share.sum(-1, keepdims=True) - share
        np.testing.assert_allclose(got[0], -upstream * np.log(p), rtol=1e-5)
        np.testing.assert_allclose(
            got[1], upstream * by_logits, rtol=1e-5, atol=scale * 1e-6
        )

    @pytest.mark.parametrize("options", [None, {}, {"jit_compile": True}], ids=str)
    def test_second_derivative(self, options):
        import tensorflow as tf

        share, logits = made_share((1,)), made((1,))[1]

        def hessian(share, logits):
            with tf.GradientTape() as outer:
                outer.watch(logits)
                with tf.GradientTape() as inner:
                    inner.watch(logits)
                    total = tf.reduce_sum(soft(share, logits))
                gradient = inner.gradient(total, logits)
            return outer.jacobian(gradient, logits)

        if options is not None:
            hessian = tf.function(hessian, **options)
        got = hessian(tf.constant(share), tf.constant(logits))
        p = softmax(logits.astype("float64"), axis=-1)[0]
        np.testing.assert_allclose(
            got[0, :, 0],
            share.sum() * (np.diag(p) - np.outer(p, p)),
            rtol=1e-4,
            atol=1e-6,
        )


@pytest.mark.skipif(not ON_TENSORFLOW, reason="others differentiate the formula")
@pytest.mark.parametrize("options", [None, {}, {"jit_compile": True}], ids=str)
class TestBinaryDerivativesOnTensorFlow:
    logits = np.float32([-1e4, -30, -2, -1e-3, 0, 1e-3, 2, 30, 1e4])

    def arguments(self, options, function):
        import tensorflow as tf

        yes, no, logits = np.broadcast_arrays(
            np.float32([[1.5], [2.5], [0]]), np.float32([[0.5], [0], [2]]), self.logits
        )
        if options is not None:
            function = tf.function(function, **options)
        return yes, no, logits, function(*map(tf.constant, (yes, no, logits)))

    def test_gradients(self, options):
        import tensorflow as tf

        def gradients(*arguments):
            with tf.GradientTape() as tape:
                tape.watch(arguments)
                yes, no, logits = arguments
                losses = sigmoid_terms(logits)[1](yes, no)
                total = tf.reduce_sum(losses * tf.constant([[1.0], [2.0], [3.0]]))
            return losses, *tape.gradient(total, arguments)

        yes, no, logits, found = self.arguments(options, gradients)
        z, upstream = logits.astype("float64"), np.array([[1], [2], [3]])
        of_yes, of_no = np.logaddexp(0, -z), np.logaddexp(0, z)
        by_logits = no * expit(z) - yes * expit(-z)
        for got, expected in zip(
            found,
            (
                yes * of_yes + no * of_no,
                *(upstream * by for by in (of_yes, of_no, by_logits)),
            ),
            strict=True,
        ):
            np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-6)
        # Nor do they cancel where one side alone counts.
        alone = (yes == 0) | (no == 0)
        np.testing.assert_allclose(
            np.array(found[3])[alone], (upstream * by_logits)[alone], rtol=2e-6
        )

    def test_second_derivative(self, options):
        import tensorflow as tf

        def second(yes, no, logits):
            with tf.GradientTape() as outer:
                outer.watch(logits)
                with tf.GradientTape() as inner:
                    inner.watch(logits)
                    total = tf.reduce_sum(sigmoid_terms(logits)[1](yes, no))
                gradient = inner.gradient(total, logits)
            return outer.gradient(gradient, logits)

        yes, no, logits, found = self.arguments(options, second)
        z = logits.astype("float64")
        expected = (yes + no) * expit(z) * expit(-z)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not ON_JAX, reason="other backends have their own")
class TestSoftDerivativesOnJax:
    def test_gradients_in_both_modes(self):
        import jax

        share, logits = made_share((6,)), made((6,))[1]
        p = softmax(logits.astype("float64"), axis=-1)
        expected = -np.log(p), p * share.sum(-1, keepdims=True) - share
        for mode in (jax.jacrev, jax.jacfwd):
            for compiled in (jax.jit, lambda function: function):
                total = mode(lambda s, z: soft(s, z).sum(), argnums=(0, 1))
                for one, other in zip(
                    compiled(total)(share, logits), expected, strict=True
                ):
                    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)

    def test_second_derivative(self):
        import jax

        share, logits = made_share((1,)), made((1,))[1]
        p = softmax(logits.astype("float64"), axis=-1)[0]
        got = jax.hessian(lambda z: soft(share, z).sum())(logits)[0, :, 0]
        np.testing.assert_allclose(
            got, share.sum() * (np.diag(p) - np.outer(p, p)), rtol=1e-4, atol=1e-6
        )

    def test_vmap(self):
        import jax

        share, logits = made_share((3, 4)), made((3, 4))[1]
        got = jax.vmap(soft)(share, logits)
        np.testing.assert_allclose(
            got, soft_oracle(share, logits), rtol=1e-5, atol=1e-6
        )


@pytest.mark.skipif(not ON_JAX, reason="other backends have their own")
class TestDerivatives:
    def total(self, labels):
        return lambda logits: sparse_crossentropy(labels, logits).sum()

    def test_gradient_in_both_modes(self):
        import jax

        labels, logits = made((6,))
        expected = softmax(logits.astype("float64"), axis=-1)
        expected[np.arange(6), labels] -= 1
        for mode in (jax.jacrev, jax.jacfwd):
            for compiled in (jax.jit, lambda function: function):
                got = compiled(mode(self.total(labels)))(logits)
                np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)

    def test_second_derivative(self):
        import jax

        labels, logits = made((1,))
        p = softmax(logits.astype("float64"), axis=-1)[0]
        got = jax.hessian(self.total(labels))(logits)[0, :, 0]
        np.testing.assert_allclose(
            got, np.diag(p) - np.outer(p, p), rtol=1e-4, atol=1e-6
        )

    def test_vmap(self):
        import jax

        labels, logits = made((3, 4))
        got = jax.vmap(sparse_crossentropy)(labels, logits)
        np.testing.assert_allclose(got, oracle(labels, logits), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not ON_TORCH, reason="only torch looks for few classes")
class TestFewClasses:
    @pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4)])
    def test_losses_are_those_of_all_classes(self, shape):
        y = made_share((*shape,), num_classes=40) * (made((*shape,), 1, 40)[1] > 1)
        y.reshape(-1, 40)[0] = 0  # a sample that is left out
        logits = made(shape, num_classes=40)[1]
        y, logits = map(ops.convert_to_tensor, (y, logits))
        classes, share = few_classes(y)
        assert classes.shape == share.shape
        assert classes.shape[-1] == int((y != 0).sum(-1).max())
        got = (share * class_losses(classes, logits)).sum(-1)
        np.testing.assert_allclose(got, soft_oracle(y.numpy(), logits.numpy()), 1e-5)

    def test_no_more_than_a_quarter_of_the_classes(self):
        import torch

        for y, is_few in (
            (np.eye(3)[:, :2], False),
            (np.eye(4), True),
            (np.ones((2, 40)) / 40, False),
            (np.zeros((2, 40)), False),
            (np.zeros((0, 40)), False),
        ):
            assert (few_classes(torch.tensor(y)) is not None) == is_few

    def test_labels_that_are_differentiated_have_all_classes(self):
        import torch

        assert few_classes(torch.eye(8, requires_grad=True)) is None


@pytest.mark.skipif(not ON_TORCH, reason="other backends have their own")
# Torch's own, of its forward mode.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
class TestDerivativesOnTorch:
    """Against what torch derives for its own logarithms of softmax and sigmoid."""

    @pytest.fixture(autouse=True, params=[0, 1000], ids=["many", "few"])
    def fewest_classes(self, request, monkeypatch):
        from keras_ccar.ops import torch_crossentropy

        monkeypatch.setattr(torch_crossentropy, "FEWEST_FOR_SOFTMAX", request.param)

    def functions(self):
        import torch

        logits = torch.tensor(made((6,))[1], dtype=torch.float64)
        share = torch.tensor(made_share((6,)), dtype=torch.float64)
        labels = torch.tensor(made((6,))[0])

        def sparse_of_torch(z):
            return -torch.log_softmax(z, -1).gather(-1, labels.long()[:, None])[:, 0]

        def soft_of_torch(s, z):
            return -(s * torch.log_softmax(z, -1)).sum(-1)

        def binary(yes, no, z):
            return sigmoid_terms(z)[1](yes, no)

        def binary_of_torch(yes, no, z):
            logs = torch.nn.functional.logsigmoid
            return -(yes * logs(z) + no * logs(-z))

        return (
            (lambda z: sparse_crossentropy(labels, z), sparse_of_torch, (logits,)),
            (soft, soft_of_torch, (share, logits)),
            (binary, binary_of_torch, (share, 2 * share.flip(0), logits)),
        )

    def test_gradients_of_both_orders_and_modes(self):
        import torch

        for own, _, inputs in self.functions():
            inputs = [x.requires_grad_() for x in inputs]
            assert torch.autograd.gradcheck(own, inputs, check_forward_ad=True)
            assert torch.autograd.gradgradcheck(own, inputs)

    def test_transforms(self):
        import torch

        for own, of_torch, inputs in self.functions():
            numbers = tuple(range(len(inputs)))

            def total(function):
                return lambda *x: function(*x).sum()

            for transform in (torch.func.jacrev, torch.func.jacfwd, torch.func.hessian):
                got, expected = (
                    transform(total(function), numbers)(*inputs)
                    for function in (own, of_torch)
                )
                torch.testing.assert_close(got, expected)
            gradient = torch.func.grad(total(own), numbers)
            if len(inputs) > 1:
                got = torch.func.vmap(gradient)(*inputs)
                torch.testing.assert_close(got, gradient(*inputs))

    def test_sides_do_not_cancel(self):
        import torch

        z = torch.tensor([-1e4, -30, -2, -1e-3, 0, 1e-3, 2, 30, 1e4])
        yes, no = torch.tensor([[1.5], [2.5], [0]]), torch.tensor([[0.5], [0], [2]])
        inputs = [x.expand(3, 9).clone().requires_grad_() for x in (yes, no, z)]
        losses = sigmoid_terms(inputs[2])[1](*inputs[:2])
        losses.sum().backward()
        z, yes, no = (x.double().numpy() for x in (z, yes, no))
        of_yes, of_no = np.logaddexp(0, -z), np.logaddexp(0, z)
        by_logits = no * expit(z) - yes * expit(-z)
        sums = yes * of_yes + no * of_no
        alone = np.broadcast_to((yes == 0) | (no == 0), sums.shape)
        for got, expected in (
            (losses.detach(), sums),
            (inputs[0].grad, np.broadcast_to(of_yes, sums.shape)),
            (inputs[1].grad, np.broadcast_to(of_no, sums.shape)),
            (inputs[2].grad, by_logits),
        ):
            got = got.numpy()
            np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-6)
            np.testing.assert_allclose(got[alone], expected[alone], rtol=3e-6)

    def test_shares_of_one_column(self):
        """They broadcast, and so do their derivatives."""
        import torch

        z = torch.tensor(made((6,))[1])
        column = torch.full((6, 1), 0.5, requires_grad=True)
        one = torch.ones(1, requires_grad=True)
        sigmoid_terms(z)[1](column, one).sum().backward()
        logs = torch.nn.functional.logsigmoid
        torch.testing.assert_close(column.grad, -logs(z).sum(1, keepdim=True))
        torch.testing.assert_close(one.grad, -logs(-z).sum().reshape(1))

    @pytest.mark.slow
    def test_torch_compile(self):
        import torch

        for own, of_torch, inputs in self.functions():
            results = []
            for function in (torch.compile(own, backend="aot_eager"), of_torch):
                inputs = [x.detach().requires_grad_() for x in inputs]
                value = function(*inputs)
                value.sum().backward()
                results.append([value.detach(), *(x.grad for x in inputs)])
            torch.testing.assert_close(*results)
