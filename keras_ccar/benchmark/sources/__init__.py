"""The user's files as data for a comparison: folders of images, tables, arrays."""
