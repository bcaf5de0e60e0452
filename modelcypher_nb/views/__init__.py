"""Floor 5: facts become pictures. Text, HTML, figures and widgets."""
