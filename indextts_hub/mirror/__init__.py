"""What other machines pull from: this hub's own protocol, and the read APIs of the Hugging Face Hub and of ModelScope."""
