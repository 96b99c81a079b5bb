import keras
import numpy as np
import pytest

from keras_ccar.benchmark.training.optimizer import CoupledSGD


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_equal_those_of_pytorch(momentum, decay):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    random = np.random.default_rng(0)
    start = random.normal(size=(3, 2)).astype("float32")
    gradients = random.normal(size=(5, 3, 2)).astype("float32")

    theirs = torch.nn.Parameter(torch.tensor(start))
    oracle = torch.optim.SGD([theirs], lr=0.1, momentum=momentum, weight_decay=decay)
    ours = keras.Variable(start)
    optimizer = CoupledSGD(0.1, momentum, decay)
    for gradient in gradients:
        theirs.grad = torch.tensor(gradient)
        oracle.step()
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [ours])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(ours), theirs.detach().numpy(), rtol=1e-5
    )


def test_config_round_trip():
    optimizer = CoupledSGD(0.1, momentum=0.8, decay=0.02)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(optimizer)
    )
    assert isinstance(again, CoupledSGD)
    assert (again.momentum, again.decay) == (0.8, 0.02)
    assert float(again.learning_rate) == pytest.approx(0.1)
