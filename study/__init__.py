"""The machinery of the workbook: it knows the days, and they do not know it."""
