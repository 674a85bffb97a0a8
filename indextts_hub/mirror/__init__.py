"""What other machines pull from: this hub's own protocol, and the read API of the Hugging Face Hub. What is whole here is lent."""
