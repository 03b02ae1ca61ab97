"""The code host, where a change is proposed and reviewed: pull requests, comments, checks and reviews of GitHub and GitLab."""
