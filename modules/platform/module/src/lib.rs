//! What a module hands to the program that hosts it
