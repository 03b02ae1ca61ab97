"""What people and programs get to see of a plan, of its apply and of problems."""
