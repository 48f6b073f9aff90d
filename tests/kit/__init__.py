"""What several tests share. Holds no tests of the product."""
