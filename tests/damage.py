"""What becomes of files when a disk, a person or a loss of power has its way with them."""

import os


def damage(path, how):
    """Leaves a file `zeroed`, `torn` or `missing`."""
    if how == "zeroed":
        path.write_bytes(bytes(path.stat().st_size))
    elif how == "torn":
        os.truncate(path, path.stat().st_size // 2)
    else:
        path.unlink()
