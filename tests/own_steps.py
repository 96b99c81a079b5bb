"""Models with a `train_step` and a `test_step` of their own, as in Keras's guide."""

import keras

BACKEND = keras.backend.backend()


def update_metrics(model, loss, y, y_pred, sample_weight):
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss)
        elif sample_weight is None:
            metric.update_state(y, y_pred)
        else:
            metric.update_state(y, y_pred, sample_weight=sample_weight)
    return {metric.name: metric.result() for metric in model.metrics}


def update_metrics_of_jax(model, variables, loss, y, y_pred, sample_weight):
    new, logs = [], {}
    for metric in model.metrics:
        own = variables[len(new) : len(new) + len(metric.variables)]
        if metric.name == "loss":
            own = metric.stateless_update_state(own, loss)
        elif sample_weight is None:
            own = metric.stateless_update_state(own, y, y_pred)
        else:
            weight = sample_weight
            own = metric.stateless_update_state(own, y, y_pred, sample_weight=weight)
        logs[metric.name] = metric.stateless_result(own)
        new += own
    return logs, new


if BACKEND == "jax":
    import jax

    class OwnSteps(keras.Model):
        transform = staticmethod(lambda function: function)

        def losses_of(self, trainable, non_trainable, x, y, weight, training=False):
            y_pred, non_trainable = self.stateless_call(
                trainable, non_trainable, x, training=training
            )
            loss = self.compute_loss(x, y, y_pred, weight)
            return loss, (y_pred, non_trainable)

        def train_step(self, state, data):
            trainable, non_trainable, optimizer, variables = state
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)

            def losses_of(trainable, non_trainable):
                return self.losses_of(trainable, non_trainable, x, y, weight, True)

            gradient = jax.value_and_grad(self.transform(losses_of), has_aux=True)
            (loss, (y_pred, non_trainable)), gradients = gradient(
                trainable, non_trainable
            )
            trainable, optimizer = self.optimizer.stateless_apply(
                optimizer, gradients, trainable
            )
            logs, variables = update_metrics_of_jax(
                self, variables, loss, y, y_pred, weight
            )
            return logs, (trainable, non_trainable, optimizer, variables)

        def test_step(self, state, data):
            trainable, non_trainable, variables = state
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
            loss, (y_pred, non_trainable) = self.losses_of(
                trainable, non_trainable, x, y, weight
            )
            logs, variables = update_metrics_of_jax(
                self, variables, loss, y, y_pred, weight
            )
            return logs, (trainable, non_trainable, variables)

    class ReturnsMetrics(OwnSteps):
        """Passes the variables of the metrics through `stateless_compute_loss`."""

        loses = False

        def train_step(self, state, data):
            trainable, non_trainable, optimizer, variables = state
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)

            @jax.jit
            def losses_of(trainable, non_trainable, variables):
                y_pred, non_trainable = self.stateless_call(
                    trainable, non_trainable, x, training=True
                )
                loss, (_, _, variables) = self.stateless_compute_loss(
                    trainable,
                    non_trainable,
                    variables,
                    x=x,
                    y=y,
                    y_pred=y_pred,
                    sample_weight=weight,
                )
                return loss, (y_pred, non_trainable, variables)

            gradient = jax.value_and_grad(losses_of, has_aux=True)
            (loss, (y_pred, non_trainable, returned)), gradients = gradient(
                trainable, non_trainable, variables
            )
            trainable, optimizer = self.optimizer.stateless_apply(
                optimizer, gradients, trainable
            )
            logs, variables = update_metrics_of_jax(
                self, variables if self.loses else returned, loss, y, y_pred, weight
            )
            return logs, (trainable, non_trainable, optimizer, variables)

else:

    class OwnSteps(keras.Model):
        def train_step(self, data):
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
            if BACKEND == "tensorflow":
                import tensorflow as tf

                with tf.GradientTape() as tape:
                    y_pred = self(x, training=True)
                    loss = self.compute_loss(x, y, y_pred, weight)
                gradients = tape.gradient(loss, self.trainable_variables)
                self.optimizer.apply(gradients, self.trainable_variables)
            else:
                import torch

                self.zero_grad()
                y_pred = self(x, training=True)
                loss = self.compute_loss(x, y, y_pred, weight)
                loss.backward()
                gradients = [v.value.grad for v in self.trainable_variables]
                with torch.no_grad():
                    self.optimizer.apply(gradients, self.trainable_variables)
            return update_metrics(self, loss, y, y_pred, weight)

        def test_step(self, data):
            x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
            y_pred = self(x, training=False)
            loss = self.compute_loss(x, y, y_pred, weight, training=False)
            return update_metrics(self, loss, y, y_pred, weight)
