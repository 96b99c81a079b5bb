"""Trains a classifier of long-tailed digits on several hosts together, with JAX.

Every host runs this script; `launch.py` starts it on all of them. When it is
restarted after a failure, it resumes at the batch of its last backup.
"""

import os

import jax
import keras
import numpy as np

import keras_ccar

BATCH_SIZE = 64
EPOCHS = 10


class HostShare(keras.utils.PyDataset):
    """A host's rows of every batch, reshuffled in each epoch."""

    def __init__(self, images, labels, host, hosts, epoch):
        super().__init__()
        self.images, self.labels = images, labels
        self.host, self.hosts = host, hosts
        self.epoch = epoch

    def __len__(self):
        # Every host must have the same number of steps, with the same number of rows.
        return len(self.labels) // BATCH_SIZE

    def __getitem__(self, step):
        order = np.random.default_rng(self.epoch).permutation(len(self.labels))
        rows = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE][
            self.host :: self.hosts
        ]
        return self.images[rows], self.labels[rows]

    def on_epoch_end(self):
        self.epoch += 1


def main(coordinator, host, hosts, backup_folder):
    """Trains as one of the hosts.

    Args:
        coordinator: `address:port` of host 0.
        host: number of this host, counted from 0.
        hosts: number of hosts; divides `BATCH_SIZE`.
        backup_folder: a folder that all hosts see, for the backup.
    """
    jax.config.update("jax_cpu_collectives_implementation", "gloo")  # for CPUs alone
    jax.distributed.initialize(coordinator, hosts, host, heartbeat_timeout_seconds=60)
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(auto_shard_dataset=False)
    )
    keras.utils.set_random_seed(0)  # The same initial weights everywhere.
    data = keras_ccar.datasets.load("digits-lt")
    images, labels = data.train_arrays
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(data.num_classes),
        ]
    )
    # The counts of the whole data set, not of this host's rows.
    loss = keras_ccar.CCARLoss(data.class_counts, from_logits=True)
    model.compile("adam", loss)
    statistics = keras_ccar.CCARCallback(class_names=data.class_names)
    backup = keras_ccar.BackupAndResume(backup_folder, save_freq=2)
    history = model.fit(
        HostShare(images, labels, host, hosts, backup.epoch),
        epochs=EPOCHS,
        shuffle=False,
        callbacks=[statistics, backup],
        verbose=0,
    )
    if host == 0:
        seen = int(statistics.statistics()["count"].sum())
        print(f"{hosts} hosts, {seen} images seen by all of them in the last epoch")
        print(f"loss {history.history['loss'][-1]:.4f}", flush=True)


if __name__ == "__main__":
    main(
        os.environ["COORDINATOR"],
        int(os.environ["HOST_NUMBER"]),
        int(os.environ["NUM_HOSTS"]),
        os.environ["BACKUP_FOLDER"],
    )
