"""The suite for a real GitHub: throwaway private repositories, and what the double has otherwise."""
