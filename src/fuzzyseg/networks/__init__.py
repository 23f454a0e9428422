"""Convolutional networks whose softmax output is a membership, and the models made of them."""
