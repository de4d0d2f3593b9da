"""The tables of oracles behind `test_values.py`: one line for each column and its values."""
