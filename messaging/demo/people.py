"""Candidates' names and addresses: many origins, reserved example domains, the same for one seed."""

import random
from collections.abc import Iterator

FIRST = (  # noqa: SIM905  (read as a list of names, not of quotation marks)
    "Aaliyah Adam Agnieszka Ahmed Aisha Alba Alejandro Amara Anders Andrea Anika Antoine Aoife Arjun Astrid Aylin "
    "Bao Beatriz Benedikt Bilal Bianca Camille Carlos Chiara Chidi Clara Dafydd Daniela Deepa Diego Dimitra Ebba "
    "Eduardo Eilidh Elif Emeka Emma Enzo Esra Fatima Felix Finn Freya Gabriel Giulia Grace Hamza Hanna Haruka "
    "Hassan Ida Imran Ingrid Isaac Ivana Jakub Jasmin Joana Jonas Juan Julia Kacper Kamala Karim Katarzyna Keiko "
    "Kofi Lara Leila Lena Liam Lin Lucia Luca Magda Malik Maren Mariam Mateus Mei Mia Milan Mina Mohammed Naomi "
    "Nadia Nikhil Nils Noor Nora Oliver Omar Oskar Paula Pedro Petra Quinn Rafael Rania Ravi Renata Rosa Ruben "
    "Saanvi Samira Sara Sean Selma Siobhan Sofia Stefan Svea Tariq Tessa Thandiwe Theo Tiago Uma Valentina Viktor "
    "Wanjiru Wei Yara Yusuf Zainab Zoe "
).split()
LAST = (  # noqa: SIM905  (read as a list of names, not of quotation marks)
    "Abbas Achebe Almeida Andersson Bakker Banerjee Becker Bello Bianchi Bonnet Brennan Carvalho Chen Costa Cruz "
    "Dahl Diallo Dubois Eriksen Eze Farouk Fernandez Fischer Fitzgerald Forde Garcia Ghosh Gomez Green Haddad "
    "Hansen Hayashi Hoang Hughes Ibrahim Iversen Jansen Jovanovic Kaya Keita Khan Kim Kowalski Kruger Kumar "
    "Larsen Lefevre Lewis Lindgren Lopez Maier Mansour Martins Mbeki Mendes Meyer Moreau Moretti Murphy Mwangi "
    "Nakamura Ndiaye Nguyen Novak Nowak Nyberg Obi Okoye Oliveira Osei Ozturk Papadopoulos Park Patel Pereira "
    "Petrov Quist Rahman Rao Reyes Ricci Rossi Sato Schmidt Silva Singh Smith Sousa Suzuki Tanaka Taylor Torres "
    "Tran Varga Vogel Wagner Walsh Wang Weber Williams Wilson Wu Yilmaz Young Zhang "
).split()
CAME_FROM = ("Careers page", "Referral", "LinkedIn", "Job board", "University fair")


def candidates(seed: int) -> Iterator[dict[str, str]]:
    """Endless, without two people of one name."""
    dice = random.Random(seed)  # noqa: S311  (no secret; the same company on every machine)
    seen: set[tuple[str, str]] = set()
    while True:
        name = (dice.choice(FIRST), dice.choice(LAST))
        if name in seen:
            continue
        seen.add(name)
        domain = dice.choice(("example.com", "example.org", "example.net"))
        yield {
            "first_name": name[0],
            "last_name": name[1],
            "email": f"{name[0]}.{name[1]}@{domain}".lower(),
            "came_from": dice.choice(CAME_FROM),
        }
