"""What is made from the kinds and a stack: schemas, explanations, graphs, values for applications; nothing is sent."""
