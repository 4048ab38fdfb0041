"""A vault on GitHub.

Loading PyGithub takes time and memory: only a worker that has a vault on GitHub imports this.
"""

from memory_sync.ports.github.remote import GitHubRemote, login

__all__ = ["GitHubRemote", "login"]
