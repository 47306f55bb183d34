"""Builds the package: the app's settings, `.streamlit/config.toml`, go where Streamlit finds them beside the app."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SETTINGS = ".streamlit/config.toml"


class BuildWithSettings(build_py):
    """Copies them into the wheel; an editable install reads them where they are."""

    def run(self) -> None:
        """Build the packages, then add the file."""
        super().run()
        if not self.editable_mode:
            place = Path(self.build_lib) / "dashboard" / ".streamlit"
            place.mkdir(parents=True, exist_ok=True)
            self.copy_file(SETTINGS, str(place / "config.toml"))

    def get_source_files(self) -> list[str]:
        """Return what a source distribution needs for it."""
        return [*super().get_source_files(), SETTINGS]


setup(cmdclass={"build_py": BuildWithSettings})
