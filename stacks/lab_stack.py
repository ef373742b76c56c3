"""The base of every lab's stack."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import CfnResource
from constructs import Construct, IConstruct

from stacks.secure.expiry import Expiry
from stacks.secure.names import logical_id
from stacks.settings import Settings


class LabStack(cdk.Stack):
    """A stack that belongs to one lab: named and tagged after its folder, bound to a region, and able to expire.

    Args:
        scope: the app.
        folder: the lab's folder, such as ``labs/d3_realtime_endpoint``.
        title: what the lab teaches in one line; becomes the stack's description.
        settings: the user's choices.
    """

    def __init__(self, scope: Construct, *, folder: Path, title: str, settings: Settings) -> None:
        slug = folder.name.replace("_", "-")
        self.name = f"Lab-{slug}"
        super().__init__(
            scope,
            self.name,
            description=title,
            env=cdk.Environment(region=settings.region),
            # Templates are the same with and without the CDK command line.
            analytics_reporting=False,
        )
        self.__dict__.update(_labs_stack=self, _labs_path=self.name)
        self.folder = folder
        self.settings = settings
        self._last: list[Callable[[], None]] = []
        self._order: list[tuple[CfnResource, Callable[[], Sequence[IConstruct]]]] = []
        for key, value in {"lab": slug, **settings.tags}.items():
            cdk.Tags.of(self).add(key, value)
        self.build()
        Expiry(self, "Expiry")
        for create in self._last:
            create()
        self._write_order()

    def at_the_end(self, create: Callable[[], None]) -> None:
        """Create something when the lab is built and all that it must serve is known."""
        self._last.append(create)

    def order(self, resource: CfnResource, *, after: Callable[[], Sequence[IConstruct]]) -> None:
        """Let CloudFormation create a resource after others, which may not exist yet, and delete it before them."""
        self._order.append((resource, after))

    def _write_order(self) -> None:
        names: dict[str, tuple[CfnResource, set[str]]] = {}
        for resource, others in self._order:
            names.setdefault(logical_id(resource), (resource, set()))[1].update(logical_id(other) for other in others())
        for resource, earlier in names.values():
            resource.add_override("DependsOn", sorted(earlier))

    def build(self) -> None:
        """Create the lab's resources. Each lab writes its own."""
        raise TypeError(f"{type(self).__name__} must define build()")

    def src(self, name: str) -> Path:
        """A file or folder of the lab's ``src/``.

        Raises:
            FileNotFoundError: it is not there.
        """
        path = self.folder / "src" / name
        if not path.exists():
            raise FileNotFoundError(f"labs/{self.folder.name}/src/{name} is missing: the stack packs it")
        return path

    def give(self, name: str, value: str) -> None:
        """Hand a value to the lab's steps as a stack output.

        Args:
            name: ends in what it is: ``...Name``, ``...Arn``, ``...Ids``.
            value: text or token.
        """
        cdk.CfnOutput(self, name, value=value)


def stack_class(folder: Path) -> type[LabStack]:
    """The one stack that a lab's ``stack.py`` defines.

    Raises:
        ValueError: it defines none, or several.
    """
    module = importlib.import_module(f"labs.{folder.name}.stack")
    found = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, LabStack) and member.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise ValueError(f"labs/{folder.name}/stack.py must define exactly one LabStack, found {len(found)}")
    return found[0]
