"""What meets people before they run anything: the workflow, the wheel, the installers."""
