"""The suite for a real GitHub: throwaway repositories, and where the double differs from it."""
