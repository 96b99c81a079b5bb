"""A trained model measured class by class: scores, tables, figures, a report."""
