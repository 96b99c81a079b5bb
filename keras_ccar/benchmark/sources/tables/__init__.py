"""Tables from CSV and Parquet files: their rows, their columns, and their labels."""
