"""Reading members of the archives that package registries serve: wheels (zip) and npm packages (tar.gz)."""

import tarfile
import zipfile


def open_archive(path):
    """A function from a member's name to its bytes. Raises KeyError for a name that is not in the archive."""
    if path.endswith(".whl"):
        return zipfile.ZipFile(path).read
    archive = tarfile.open(path)

    def read(member):
        return archive.extractfile(member).read()

    return read
