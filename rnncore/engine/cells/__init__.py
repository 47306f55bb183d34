"""Recurrent cells over whole sequences, whose backward pass records exact total state gradients."""
