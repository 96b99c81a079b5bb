"""What is compared, as data: recipes, methods, published numbers. Trains nothing."""
