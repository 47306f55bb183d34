"""Where runs execute: worker processes of this machine, and the frames they speak in."""
