"""Folders of images, and the pretrained networks in front of them."""
