"""The residual network for CIFAR in plain PyTorch, to measure the benchmark's against.

He et al. 2016 (arXiv 1512.03385), section 4.2, with shortcuts of option A, trained as
the published long-tailed benchmarks train it. Written for this comparison.
"""

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """Two convolutions beside a shortcut without parameters."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.first = nn.Conv2d(channels, filters, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(filters)
        self.second = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(filters)
        self.stride = stride
        self.missing = filters - channels

    def forward(self, images):
        shortcut = images
        if self.stride > 1:
            half = self.missing // 2
            shortcut = images[:, :, :: self.stride, :: self.stride]
            padding = (0, 0, 0, 0, half, self.missing - half)
            shortcut = functional.pad(shortcut, padding)
        x = functional.relu(self.first_norm(self.first(images)))
        return functional.relu(self.second_norm(self.second(x)) + shortcut)


class ResNet(nn.Module):
    """The network of `6 * blocks + 2` layers."""

    def __init__(self, blocks, num_classes):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(16)
        layers, channels = [], 16
        for stage, filters in enumerate((16, 32, 64)):
            for block in range(blocks):
                layers.append(Block(channels, filters, 2 if stage and not block else 1))
                channels = filters
        self.blocks = nn.Sequential(*layers)
        self.head = nn.Linear(64, num_classes)

    def forward(self, images):
        x = functional.relu(self.stem_norm(self.stem(images)))
        return self.head(self.blocks(x).mean((2, 3)))


def training_step(batch_size, channels_last, use_bfloat16, num_classes=100):
    """Returns a function that makes one step of a ResNet-32 on one batch in memory."""
    torch.manual_seed(0)
    network = ResNet(5, num_classes)
    images = torch.randn(batch_size, 3, 32, 32)
    labels = torch.randint(0, num_classes, (batch_size,))
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4
    )

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=use_bfloat16):
            logits = network(images)
        loss = functional.cross_entropy(logits.float(), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
