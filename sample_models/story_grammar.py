#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short stories in a small artificial English, for training and measuring the bundled tiny model.

Every word here was written for this project; no outside text goes in. The stories keep count of things, keep names and
pronouns apart and agree in number, so that a small model has something to learn that reaches across a sentence.
Needs the standard library only.  Usage: story_grammar.py SEED CHARACTERS > FILE
"""
import random
import sys

PEOPLE = [("Mara", "she", "her"), ("Tobin", "he", "his"), ("Ilse", "she", "her"), ("Joren", "he", "his"),
          ("Petra", "she", "her"), ("Anselm", "he", "his"), ("Wilma", "she", "her"), ("Oskar", "he", "his"),
          ("Linnea", "she", "her"), ("Bruno", "he", "his"), ("Greta", "she", "her"), ("Casimir", "he", "his"),
          ("Nadia", "she", "her"), ("Felix", "he", "his"), ("Ottilie", "she", "her"), ("Samuel", "he", "his")]
TRADES = ["baker", "carpenter", "ferry pilot", "clockmaker", "gardener", "teacher", "weaver", "lamplighter",
          "librarian", "fisher", "miller", "surveyor", "glassblower", "postal clerk", "net mender", "doctor"]
TOWNS = ["Aldermoor", "Brackwater", "Dunhaven", "Eastlow", "Farrowgate", "Greyford", "Hollin", "Kestrel Bay"]
PLACES = ["harbour", "market", "old mill", "library", "bridge", "lighthouse", "workshop", "station", "orchard",
          "north gate", "school", "river path", "bakery", "chapel", "boat shed", "hill"]
THINGS = [("apple", "apples"), ("lantern", "lanterns"), ("letter", "letters"), ("rope", "ropes"),
          ("barrel", "barrels"), ("book", "books"), ("candle", "candles"), ("key", "keys"), ("brush", "brushes"),
          ("loaf", "loaves"), ("shelf", "shelves"), ("knife", "knives"), ("map", "maps"), ("basket", "baskets"),
          ("stone", "stones"), ("bell", "bells"), ("box", "boxes"), ("coin", "coins")]
ANIMALS = [("goat", "goats"), ("heron", "herons"), ("goose", "geese"), ("sheep", "sheep"), ("cat", "cats"),
           ("mouse", "mice"), ("horse", "horses"), ("crow", "crows"), ("fox", "foxes"), ("hen", "hens")]
COLOURS = ["red", "green", "blue", "grey", "yellow", "white", "brown", "black"]
QUALITIES = ["small", "heavy", "old", "narrow", "broken", "new", "clean", "strange", "plain", "empty"]
WEATHER = ["rain", "fog", "snow", "wind", "hail", "sunshine"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
           "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
MOODS = ["happy", "tired", "proud", "worried", "quiet", "curious", "patient", "cross"]
# base, past, third person, -ing
MOVES = [("walk", "walked", "walks", "walking"), ("run", "ran", "runs", "running"), ("ride", "rode", "rides", "riding"),
         ("hurry", "hurried", "hurries", "hurrying"), ("go", "went", "goes", "going"),
         ("wander", "wandered", "wanders", "wandering")]
WORKS = [("mend", "mended", "mends", "mending"), ("paint", "painted", "paints", "painting"),
         ("count", "counted", "counts", "counting"), ("carry", "carried", "carries", "carrying"),
         ("sell", "sold", "sells", "selling"), ("find", "found", "finds", "finding"),
         ("clean", "cleaned", "cleans", "cleaning"), ("draw", "drew", "draws", "drawing")]


def capital(text):
    return text[0].upper() + text[1:]


def article(phrase):
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def counted(number, noun):
    return f"{NUMBERS[number]} {noun[0] if number == 1 else noun[1]}"


class Story:
    """One story: two people, a town, a day and a pile of things whose number is kept through the sentences."""

    def __init__(self, rng):
        self.rng = rng
        self.hero, self.friend = rng.sample(PEOPLE, 2)
        self.hero_trade, self.friend_trade = rng.sample(TRADES, 2)
        self.town = rng.choice(TOWNS)
        self.place, self.other_place = rng.sample(PLACES, 2)
        self.thing = rng.choice(THINGS)
        self.animal = rng.choice(ANIMALS)
        self.colour = rng.choice(COLOURS)
        self.weather = rng.choice(WEATHER)
        self.day = rng.randrange(7)
        self.count = rng.randint(5, 15)

    def pick(self, *options):
        return self.rng.choice(options)

    def opening(self):
        hero, _, his = self.hero
        month, date = self.rng.choice(MONTHS), self.rng.randint(1, 28)
        return self.pick(
            f"In {self.town} there lived {article(self.hero_trade)} named {hero}.",
            f"{hero} was {article(self.hero_trade)} in {self.town}, and {his} best friend was {self.friend[0]} "
            f"the {self.friend_trade}.",
            f"On {DAYS[self.day]}, the {date} of {month}, {hero} the {self.hero_trade} came to {self.town}.",
            f"It was {month} in {self.town}, and the {self.weather} had not stopped for "
            f"{NUMBERS[self.rng.randint(2, 9)]} days.",
            f"Everyone in {self.town} knew {hero}, the {self.hero_trade} with the {self.colour} coat.")

    def having(self):
        hero, he, his = self.hero
        return self.pick(
            f"{hero} had {counted(self.count, self.thing)} and kept them near the {self.place}.",
            f"That morning {he} counted {his} {self.thing[1]}: there were {NUMBERS[self.count]}.",
            f"{capital(he)} owned {counted(self.count, self.thing)}, and every one of them was {self.colour}.")

    def change(self):
        hero, he, his = self.hero
        amount = self.rng.randint(1, 4)
        if self.count > 16 or (self.count > 5 and self.rng.random() < 0.6):
            self.count -= amount
            lost = self.pick(f"gave {counted(amount, self.thing)} to {self.friend[0]}",
                             f"lost {counted(amount, self.thing)} on the way to the {self.other_place}",
                             f"sold {counted(amount, self.thing)} to the {self.friend_trade}")
            verb = "was" if self.count == 1 else "were"
            return f"{hero} {lost}, so {counted(self.count, self.thing)} {verb} left."
        self.count += amount
        gained = self.pick(f"found {NUMBERS[amount]} more behind the {self.place}",
                           f"bought {NUMBERS[amount]} more from the {self.friend_trade}",
                           f"got {NUMBERS[amount]} more from {self.friend[0]}")
        return f"Then {he} {gained}, and now {he} had {counted(self.count, self.thing)}."

    def doing(self):
        (name, he, his), (friend, _, _) = self.rng.sample([self.hero, self.friend], 2)
        move, work = self.rng.choice(MOVES), self.rng.choice(WORKS)
        quality = self.rng.choice(QUALITIES)
        return self.pick(
            f"{name} {move[1]} to the {self.place} and {work[1]} {article(quality + ' ' + self.thing[0])}.",
            f"While {friend} was {work[3]} the {self.thing[1]}, {name} {move[1]} to the {self.other_place}.",
            f"Every {DAYS[self.day]} {name} {move[2]} to the {self.place}, and there {he} {work[2]} {his} "
            f"{quality} {self.thing[1]}.",
            f"{capital(he)} did not want to {work[0]} the {self.thing[1]}, but {he} did not want to {move[0]} home.",
            f"\"Will you {work[0]} the {quality} {self.thing[0]}?\" asked {friend}. \"Tomorrow,\" said {name}.")

    def nature(self):
        number = self.rng.randint(1, 9)
        verb, stand = ("was", "stood") if number == 1 else ("were", "stood")
        later = "it" if number == 1 else "they"
        return self.pick(
            f"{capital(counted(number, self.animal))} {stand} by the {self.other_place}, and {later} {verb} "
            f"{self.rng.choice(COLOURS)}.",
            f"The {self.weather} came from the {self.pick('north', 'south', 'east', 'west')}, and the "
            f"{self.animal[1]} {verb if number > 1 else 'were'} {self.rng.choice(MOODS)}.",
            f"There {verb} {counted(number, self.animal)} on the road to the {self.place}.",
            f"At {self.rng.randint(1, 12)}:{self.pick('00', '15', '30', '45')} the {self.weather} began again.")

    def talk(self):
        (name, he, _), (friend, she, her) = self.rng.sample([self.hero, self.friend], 2)
        mood = self.rng.choice(MOODS)
        return self.pick(
            f"\"How many {self.thing[1]} are there?\" asked {friend}. \"{capital(NUMBERS[self.count])},\" said {name}.",
            f"{friend} was {mood}, because {her} {self.thing[0]} was {self.rng.choice(QUALITIES)}.",
            f"\"Where is the {self.animal[0]}?\" asked {name}. {friend} said that it was at the {self.place}.",
            f"{name} told {friend} that {he} was {mood}, and {she} laughed.",
            f"\"I am {mood},\" said {friend}, and {name} knew why.")

    def closing(self):
        (name, he, his), (friend, _, _) = self.hero, self.friend
        tomorrow = DAYS[(self.day + 1) % 7]
        noun = counted(self.count, self.thing)
        return self.pick(
            f"In the evening {name} and {friend} sat at the {self.place} with {noun}.",
            f"The next day was {tomorrow}, and {name} the {self.hero_trade} still had {noun}.",
            f"On {tomorrow} the {self.weather} was gone, and {name} was {self.rng.choice(MOODS)} again.",
            f"So {name} put {his} {noun} in a {self.colour} box and went back to {self.town}.",
            f"After that {he} never left {self.town}, and neither did {friend}.")

    def tell(self):
        middle = [self.having(), self.change()]
        for _ in range(self.rng.randint(3, 7)):
            middle.append(self.rng.choice([self.doing, self.nature, self.talk, self.change])())
        return " ".join([self.opening(), *middle, self.closing()])


def stories(seed, characters):
    """At least `characters` of text: one story a line, an empty line between them."""
    rng = random.Random(seed)
    told, length = [], 0
    while length < characters:
        told.append(Story(rng).tell())
        length += len(told[-1]) + 2
    return "\n\n".join(told) + "\n"


if __name__ == "__main__":
    sys.stdout.write(stories(int(sys.argv[1]), int(sys.argv[2])))
